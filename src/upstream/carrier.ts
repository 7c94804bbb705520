/** What carries one exchange to a backend: a connection of HTTP/1.1 for its time, or a stream of HTTP/2. */
import type { Duplex } from 'node:stream'
import { type FieldBlock, type FieldList, NO_FIELDS } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { AttemptBody } from './request-body.ts'

/** A request as it goes to a backend. */
export interface UpstreamRequest {
  readonly method: string
  /** Path and query, or `*`. */
  readonly target: string
  /** Host, or undefined if the client gave none: the backend's own authority is sent then. */
  readonly host: string | undefined
  /** The client's fields, without any that belong to the connection or to the framing. */
  readonly fields: FieldList
  /** What the gateway says of the client. */
  readonly added: FieldBlock
  /** The gateway's name for the request, as X-Request-Id. */
  readonly requestId: string | undefined
  /** Whether the client waits to be asked for its body. */
  readonly expectsContinue: boolean
  readonly body: AttemptBody
  /** The protocols to change to, as in Upgrade. */
  readonly upgrade: string | undefined
  /** Whether trailers of the answer are welcome (`TE: trailers`). */
  readonly wantsTrailers: boolean
}

/** What a request has that is the gateway's own, and for the backend itself. */
export const OWN_REQUEST = {
  host: undefined, fields: [], added: NO_FIELDS, requestId: undefined, expectsContinue: false, body: null, upgrade: undefined, wantsTrailers: false
} satisfies Partial<UpstreamRequest>

/** Who made the request. After `onEnd`, `onUpgrade` or `onError` nothing more is called. */
export interface CarrierListener {
  /** The request is on its way: the backend may have seen a part of it. */
  onSent (): void
  /** A part of the body was handed to the backend. */
  onBodySent (): void
  /** A provisional answer (1xx). */
  onInformation (head: ResponseHead): void
  onHead (head: ResponseHead): void
  onBody (data: Buffer): void
  /** Everything that came together with the head has been told, and it was not all. At most once. */
  onMoreToCome (): void
  onEnd (trailers: FieldList): void
  /** The backend switched protocols; the socket is the listener's now. */
  onUpgrade (head: ResponseHead, socket: Duplex, early: Buffer): void
  /** One of our errors, with its cause. */
  onError (error: Error): void
}

export interface Carrier {
  /** Whether its connection has carried answers of other exchanges: then the backend may close it at any moment. Never so for one of `takeNew`. */
  readonly isUsed: boolean
  /** Sends a request; the listener is told of everything that follows. */
  send (request: UpstreamRequest, listener: CarrierListener): void
  /** No more of the answer for now. */
  pause (): void
  resume (): void
  /** Ends the exchange at once, whatever it is doing. The listener is not called any more. */
  abort (): void
  /** The backend was silent for too long. A connection that carries others as well is asked whether it is alive, and spared until it has answered. */
  suspect? (): void
}

/** The carriers to one backend. */
export interface Carriers {
  /** Connections there are, in use or not. */
  readonly size: number
  /** A carrier for one exchange. Unless it may be sent twice, one that the backend is unlikely to be closing. */
  take (nowMs: number, mayRepeat: boolean): Carrier
  /** A carrier for an exchange that may become a tunnel. */
  takeForTunnel (): Carrier
  /** A carrier for one more try: on a connection that has carried nothing yet, or that the backend has not ended if it is shared. */
  takeNew (): Carrier
  /** The exchange is over, in whichever way. */
  release (carrier: Carrier, nowMs: number): void
  /** Ends all of them. */
  close (): void
}
