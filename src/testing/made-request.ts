/** Requests without a client: all that the balancing of the gateway reads of one. Those of the same kind and key share one object. */
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { ClientLog, ClientRequest, RawRequest } from '../client/client-side.ts'
import { Peer } from '../client/peers.ts'
import { Trust } from '../client/trust.ts'

/** No key: as each request without one has a random place among the keys, HASH_KEY=path goes by an empty path. */
const NO_TARGET = ''

/** The number of the key in a target that `RequestMaker` made; -1: none. */
export function keyOf (target: string): number {
  return target === NO_TARGET ? -1 : Number(target.slice(1))
}

const SILENT: ClientLog = { info: () => {}, warn: () => {} }

/** A head without anything in it. */
const HEAD = {
  version: 1.1,
  host: 'simulated',
  hasBody: false,
  length: undefined,
  expectsContinue: false,
  wantsTrailers: false,
  upgrade: undefined
} as const

export class RequestMaker {
  readonly #raw: RawRequest
  readonly #peer: Peer
  readonly #made: ClientRequest[] = []

  /** For requests of `method`, without fields and without a body. */
  constructor (method: string) {
    const socket = new Socket()
    this.#peer = new Peer(socket, new Trust())
    this.#raw = Object.assign(new Readable({ read: () => {} }), {
      method, url: '/', httpVersionMajor: 1, httpVersionMinor: 1, headers: {}, rawHeaders: [], rawTrailers: [], socket
    })
  }

  /** A request for the key of this number; -1: without a key. */
  request (key: number): ClientRequest {
    const known = this.#made[key + 1]
    if (known !== undefined) return known
    const target = key < 0 ? NO_TARGET : `/${key}`
    const head = { ...HEAD, target, fields: [], forwarding: [] }
    const made = { id: 'simulated', raw: this.#raw, originalUrl: target, head, peer: this.#peer, log: SILENT }
    this.#made[key + 1] = made
    return made
  }
}
