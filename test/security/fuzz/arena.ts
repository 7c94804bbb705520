/** Where cases are played: a gateway in a process of its own before one recording backend. Each client has an address of its own, so that the backend knows whose request it has. */
import { until } from '../../kit/until.ts'
import { type ExactMessage, readRequestHead, valuesOf } from '../exact-message.ts'
import { type Recorded, RecordingBackend, type Reply } from '../recording-backend.ts'
import { Wire } from '../wire.ts'
import { GatewayProcess } from './gateway-process.ts'

/** How long the connection of a request that was cut may stay open, in ms. */
const CUT_BOUND_MS = 3_000

/** Cases that are remembered when they are over: the end of a connection may be seen late. */
const MAX_ENTRIES = 2_000

/** What one client does, and what the backend gets of it. */
export interface Entry {
  /** The address that the client connects from. */
  readonly address: string
  /** What was done, for a person. */
  readonly text: string
  /** Whole requests, in the order of arrival. */
  readonly requests: Recorded[]
  readonly reply: Reply
  /** Told of a request that ended before it was whole: the head, and what came of its body. */
  readonly onCut: (head: Pick<ExactMessage, 'startLine' | 'fields'>, rest: Buffer) => string[]
}

export class Arena {
  readonly #gateway: GatewayProcess
  readonly #backend: RecordingBackend
  readonly #entries = new Map<string, Entry>()
  readonly #late: string[] = []
  #count = 0

  private constructor (gateway: GatewayProcess, backend: RecordingBackend) {
    this.#gateway = gateway
    this.#backend = backend
    backend.reply = (recorded) => this.#reply(recorded)
    backend.onPart = (bytes) => this.#part(bytes)
  }

  static async start (): Promise<Arena> {
    const backend = await RecordingBackend.start(() => {})
    try {
      return new Arena(await GatewayProcess.start(backend.url), backend)
    } catch (error) {
      await backend.stop()
      throw error
    }
  }

  /** What went wrong besides the cases, since it was asked last. */
  takeFaults (): string[] {
    return [...this.#gateway.faults.splice(0), ...this.#backend.faults.splice(0), ...this.#late.splice(0)]
  }

  enter (text: string, reply: Reply, onCut: Entry['onCut']): Entry {
    const number = ++this.#count
    // All of 127.0.0.0/8 is the loopback; the first addresses are somebody else's.
    const address = `127.${1 + ((number >> 16) & 0x7f)}.${(number >> 8) & 0xff}.${number & 0xff}`
    const entry: Entry = { address, text, requests: [], reply, onCut }
    this.#entries.set(address, entry)
    const oldest = this.#entries.keys().next()
    if (this.#entries.size > MAX_ENTRIES && oldest.done !== true) this.#entries.delete(oldest.value)
    return entry
  }

  async connect ({ address }: Entry): Promise<Wire> {
    return await Wire.open(this.#gateway.port, address)
  }

  /** Waits until what the gateway has begun to send for a client has ended in some way. */
  async settled ({ address }: Entry): Promise<void> {
    const isSettled = (): boolean => ![...this.#backend.wires].some(({ unread, ending }) => ending === undefined && ownerOf(unread) === address)
    if (!isSettled()) await until('the connection of a request that was cut ends', isSettled, CUT_BOUND_MS)
  }

  /** Waits until nothing is in flight. */
  async quiet (): Promise<void> {
    await this.#gateway.quiet()
  }

  async stop (): Promise<void> {
    await this.#gateway.stop()
    await this.#backend.stop()
  }

  async #reply (recorded: Recorded): Promise<void> {
    this.#backend.requests = []
    const entry = this.#entries.get(addressIn(recorded.message))
    if (entry === undefined) {
      this.#late.push(`a request of nobody: ${JSON.stringify([recorded.message.startLine, ...recorded.message.fields])}`)
      return
    }
    entry.requests.push(recorded)
    await entry.reply(recorded)
  }

  #part (bytes: Buffer): void {
    const head = readRequestHead(bytes)
    const entry = head && this.#entries.get(addressIn(head))
    if (head === undefined || entry === undefined) this.#late.push(`half a head, or of nobody: ${JSON.stringify(bytes.toString('latin1', 0, 400))}`)
    else this.#late.push(...entry.onCut(head, bytes.subarray(head.length)).map((fault) => `${fault}\nof ${entry.text}`))
  }
}

/** Who sent the request that these bytes begin with; undefined for no head. */
function ownerOf (bytes: Buffer): string | undefined {
  const head = bytes.length === 0 ? undefined : readRequestHead(bytes)
  return head && addressIn(head)
}

function addressIn ({ fields }: Pick<ExactMessage, 'fields'>): string {
  return valuesOf(fields, 'x-forwarded-for').at(-1) ?? ''
}
