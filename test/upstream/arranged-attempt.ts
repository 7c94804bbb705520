/** An attempt at a backend on a raw socket, with what became of it. */
import type { Test } from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { Attempt, type AttemptOwner } from '../../src/upstream/attempt.ts'
import type { EngineParts } from '../../src/upstream/engine-parts.ts'
import type { Failure } from '../../src/upstream/failure.ts'
import { Http1Connections } from '../../src/upstream/http1-connections.ts'
import { madePool } from '../pool/made-pool.ts'
import { madeRetries } from './made-retries.ts'
import { type Accepted, GET, RawBackend, SOCKET_OPTIONS } from './raw-backend.ts'

/** Remembers what it is told. */
export class Owner implements AttemptOwner {
  waitsForClient = false
  onHead: (() => void) | undefined = undefined
  readonly told: string[] = []
  /** Attempts in flight when it was told of the end. */
  inFlightAtEnd: number | undefined = undefined
  readonly #inFlight: () => number

  constructor (inFlight: () => number) {
    this.#inFlight = inFlight
  }

  attemptSent (): void {
    this.told.push('sent')
  }

  attemptInformation (): void {
    this.told.push('information')
  }

  attemptHead (): void {
    this.told.push('head')
    this.onHead?.()
  }

  attemptData (_attempt: Attempt, chunk: Buffer): void {
    this.told.push(String(chunk))
  }

  attemptGoesOn (): void {
    this.told.push('goes on')
  }

  attemptDone (_attempt: Attempt, trailers: readonly string[]): void {
    this.#end(`done ${trailers.join(' ')}`)
  }

  attemptFailed (_attempt: Attempt, { error }: Failure): void {
    this.#end(`failed ${error.code}`)
  }

  attemptUpgraded (): void {
    this.told.push('upgraded')
  }

  #end (what: string): void {
    this.told.push(what)
    this.inFlightAtEnd = this.#inFlight()
  }
}

export interface Arranged {
  readonly attempt: Attempt
  readonly owner: Owner
  readonly parts: EngineParts
  readonly accepted: Accepted
  /** Connections there are, and attempts in flight. */
  readonly account: () => readonly [connections: number, inFlight: number]
}

export interface ArrangeOptions {
  readonly upgrade?: string
  readonly attemptTimeouts?: TimeoutQueue
}

/** An attempt whose request has come to the backend. */
export async function arrange (t: Test, { upgrade, attemptTimeouts }: ArrangeOptions = {}): Promise<Arranged> {
  const raw = await RawBackend.start(t)
  const connections = new Http1Connections(raw.address, SOCKET_OPTIONS)
  t.teardown(() => connections.close())
  const pool = madePool([raw.address.url])
  const [backend] = pool.backends
  if (backend === undefined) throw new Error('a pool without its backend')
  const queue = (): TimeoutQueue => new TimeoutQueue(60_000)
  const parts: EngineParts = {
    pool,
    requestKey: () => 0,
    sticky: undefined,
    carriers: [connections],
    retries: madeRetries(),
    requestQueue: undefined,
    hedging: undefined,
    attemptTimeouts,
    after: () => () => {},
    headersTimeouts: queue(),
    idleTimeouts: queue(),
    bodyTimeouts: queue(),
    sendTimeouts: queue(),
    requestTimeouts: undefined,
    tunnelTimeouts: queue(),
    continueTimeouts: queue(),
    readTrailers: (trailers) => [...trailers],
    maxBodyBytes: 0,
    observer: { attemptFailed () {}, answerRefused () {}, hedged () {}, clientFailed () {}, endedUnseen () {} },
    nowMs: () => performance.now()
  }
  const owner = new Owner(() => backend.inFlight)
  const attempt = new Attempt(owner, backend, connections.takeNew(), parts, parts.nowMs())
  pool.begin(backend)
  attempt.send({ ...GET, upgrade })
  t.equal(backend.inFlight, 1)
  const accepted = await raw.connection()
  await accepted.request()
  return { attempt, owner, parts, accepted, account: () => [connections.size, backend.inFlight] }
}
