/** The connections that asked for a tunnel: the HTTP server has let go of them, so somebody has to know and to end them. */
import type { IncomingMessage } from 'node:http'
import { offeredProtocols } from '../wire/upgrade.ts'
import type { RawRequest } from './client-side.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

export class Tunnels {
  readonly #requests = new WeakMap<RawRequest, UpgradeRequest>()
  readonly #open = new Set<UpgradeRequest>()

  /** Open connections of this kind. */
  get size (): number {
    return this.#open.size
  }

  /** Takes note of an upgrade request until its connection closes. */
  add (raw: RawRequest, upgrade: UpgradeRequest): void {
    this.#requests.set(raw, upgrade)
    this.#open.add(upgrade)
    upgrade.socket.once('close', () => this.#open.delete(upgrade))
  }

  /** The upgrade that a request asks for, or undefined for an ordinary request. */
  of (raw: RawRequest): UpgradeRequest | undefined {
    // An ordinary request, nearly always, is told by its head alone.
    return raw.headers.upgrade === undefined ? undefined : this.#requests.get(raw)
  }

  /** Ends all of them at once. */
  destroyAll (): void {
    for (const { socket } of this.#open) socket.destroy()
  }
}

/**
 * Whether the HTTP server should take a request for an upgrade: one with a body cannot turn into a tunnel, and not every
 * protocol may be asked for. Such a request is served as if it had not asked.
 */
export function isUpgrade (raw: IncomingMessage): boolean {
  // RFC 9110, section 7.8: not in HTTP/1.0.
  if (raw.httpVersionMinor === 0) return false
  const { upgrade, 'content-length': length, 'transfer-encoding': coding } = raw.headers
  if (coding !== undefined || (length !== undefined && Number(length) > 0)) return false
  return offeredProtocols(upgrade) !== undefined
}
