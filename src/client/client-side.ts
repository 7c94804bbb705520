/** What the gateway needs of the client's side: Fastify's request and reply fit, without src/ knowing Fastify. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Peer } from './peers.ts'
import type { RequestHead } from './request-head.ts'

/** The request as the HTTP server has it. */
export interface RawRequest extends Readable {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersionMajor: number
  readonly httpVersionMinor: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  /** The fields behind the body, once it has ended. */
  readonly rawTrailers: readonly string[]
  readonly socket: Socket
  /** The stream of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders: boolean, readonly readableLength?: number, readonly aborted?: boolean | undefined, readonly session?: { readonly socket: Socket } | undefined } | undefined
}

/** The request's own log. */
export interface ClientLog {
  info (details: object, message: string): void
  warn (details: object, message: string): void
}

export interface ClientRequest {
  /** The gateway's name for the request, as in its log lines. */
  readonly id: string
  readonly raw: RawRequest
  /** The target as the client sent it; `raw.url` is the one that the router read. */
  readonly originalUrl: string
  readonly head: RequestHead
  readonly peer: Peer
  readonly log: ClientLog
  /** What the hooks left as the body; a stream that is not `raw` takes the place of the client's. */
  readonly body?: unknown
}

export type HeaderValue = string | number | readonly string[] | undefined

export interface ClientReply {
  readonly raw: ServerResponse
  readonly log: ClientLog
  /** Time since the request came, in ms. */
  readonly elapsedTime: number
  header (name: string, value: string | string[]): unknown
  getHeaders (): Readonly<Record<string, HeaderValue>>
  send (payload?: unknown): unknown
  /** How a payload becomes the text that is sent. */
  serializer (serialize: (payload: unknown) => string): unknown
  hijack (): unknown
}
