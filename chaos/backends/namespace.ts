/** A network namespace, joined to ours by a pair of virtual interfaces, in which packets can be made to vanish. Linux, as root. */
import { spawnSync } from 'node:child_process'
import { hasTool } from '../../bench/tools.ts'

/** 198.18.0.0/15 is set aside for trials of networks (RFC 2544, appendix C.2.2): nothing that is real has such an address. */
const PREFIX = '198.18'

/** The interface within has it. Told beforehand, it need not be asked for: what asks in vain ends with "no route", not in silence. */
const MAC = '02:00:00:00:00:02'

let made = 0

export class Namespace {
  readonly #name: string
  readonly #near: string
  /** Our address, as seen from within. */
  readonly #gateway: string
  /** The address within. */
  readonly host: string
  readonly #onExit = (): void => this.remove()

  /** Makes it; throws with what the system said. */
  constructor () {
    const number = made++ * 4 % 256
    const subnet = process.pid % 256
    this.#name = `chaos-${process.pid}-${made}`
    this.#near = `chaos${process.pid % 1_000_000}n${made % 100}`
    const far = this.#near.replace('n', 'f')
    this.#gateway = `${PREFIX}.${subnet}.${number + 1}`
    this.host = `${PREFIX}.${subnet}.${number + 2}`
    process.once('exit', this.#onExit)
    try {
      ip('netns', 'add', this.#name)
      ip('link', 'add', this.#near, 'type', 'veth', 'peer', 'name', far, 'address', MAC, 'netns', this.#name)
      ip('address', 'add', `${this.#gateway}/30`, 'dev', this.#near)
      ip('link', 'set', this.#near, 'up')
      ip('neighbour', 'add', this.host, 'lladdr', MAC, 'dev', this.#near, 'nud', 'permanent')
      ip('-n', this.#name, 'address', 'add', `${this.host}/30`, 'dev', far)
      ip('-n', this.#name, 'link', 'set', far, 'up')
    } catch (error) {
      this.remove()
      throw error
    }
  }

  /** What a command is put behind to be run within. */
  get command (): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  /** From now on nothing comes back: neither data nor a refusal, as behind a firewall that drops. Needs no packet filter. */
  drop (): void {
    ip('-n', this.#name, 'route', 'add', 'blackhole', `${this.#gateway}/32`)
  }

  /** Ends that. */
  pass (): void {
    ip('-n', this.#name, 'route', 'del', 'blackhole', `${this.#gateway}/32`)
  }

  /** The interfaces go with it. */
  remove (): void {
    process.off('exit', this.#onExit)
    runIp('netns', 'del', this.#name)
    // Gone already, unless the namespace never came to be.
    runIp('link', 'del', this.#near)
  }
}

/** Why none can be made here; undefined: one can. */
export function namespaceFault (): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for a network namespace'
  if (!hasTool('ip')) return 'needs ip (Debian: apt-get install iproute2)'
  try {
    new Namespace().remove()
    return undefined
  } catch (error) {
    return `no network namespace can be made: ${error instanceof Error ? error.message : String(error)}`
  }
}

function ip (...args: readonly string[]): void {
  const said = runIp(...args)
  if (said !== undefined) throw new Error(`ip ${args.join(' ')}: ${said}`)
}

/** What it said, if it failed. */
function runIp (...args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } })
  if (error !== undefined) return error.message
  return status === 0 ? undefined : stderr.trim()
}
