/** What an exchange has to do with the body of its client's request: reading it, asking for it (Expect), and what goes wrong with it. */
import type { Readable } from 'node:stream'
import { atItsTurn, writeInformation } from '../client/client-response.ts'
import type { ClientReply, ClientRequest, RawRequest } from '../client/client-side.ts'
import type { RequestHead } from '../client/request-head.ts'
import { BodyTooLargeError, ClientTimeoutError } from '../errors.ts'
import { Deadline } from '../timing/deadline.ts'
import type { FieldList } from '../wire/fields.ts'
import { bodySource } from './body-source.ts'
import type { EngineParts } from './engine-parts.ts'
import { type AttemptBody, type BodyOwner, RequestBody } from './request-body.ts'

const CONTINUE = 100

export interface UploadOptions {
  readonly request: ClientRequest
  readonly reply: ClientReply
  readonly parts: EngineParts
  /** The client did what it may not; one of our errors. */
  readonly onFailed: (error: Error) => void
}

export class Upload implements BodyOwner {
  /** Bytes of the body read from the client. */
  bytes = 0
  readonly #reply: ClientReply
  readonly #parts: EngineParts
  readonly #onFailed: (error: Error) => void
  /** The client's request, if that is where the body comes from. */
  #source: RawRequest | undefined
  readonly #body: RequestBody | undefined
  /** Set while the client waits to be asked for its body. */
  #continue: Deadline | undefined

  /** Throws for a body that cannot be forwarded. */
  constructor ({ request, reply, parts, onFailed }: UploadOptions) {
    const { raw, body, head } = request
    this.#reply = reply
    this.#parts = parts
    this.#onFailed = onFailed
    const source = bodySource(raw, body, head.hasBody)
    if (source !== undefined) this.#body = this.#bodyFrom(source, raw, head)
  }

  /** Whether it can be sent once more from its first byte. */
  get canReplay (): boolean {
    return this.#body?.canReplay !== false
  }

  /** Whether the client has sent all of it. */
  get isComplete (): boolean {
    return this.#body?.isComplete !== false
  }

  /** Whether the client is the one that is waited for, not the backend. */
  get waitsForClient (): boolean {
    return this.#body?.waitsForClient === true
  }

  /** Calls back when there is enough to send a request. */
  prepare (callback: () => void): void {
    if (this.#body === undefined) callback()
    else this.#body.prepare(callback)
  }

  /** What the next attempt sends. */
  forAttempt (): AttemptBody {
    return this.#body?.forAttempt() ?? null
  }

  /** The backend has the head, and some time to ask for the body. */
  headSent (): void {
    if (this.#continue !== undefined) this.#parts.continueTimeouts.start(this.#continue)
  }

  /** Tells the client to go on with its body, once. */
  askForBody (): void {
    if (this.#continue === undefined) return
    this.stopAsking()
    atItsTurn(this.#reply.raw, () => {
      this.#body?.asked()
      writeInformation(this.#reply.raw, CONTINUE, [])
    })
  }

  /** The client is not told to go on any more. */
  stopAsking (): void {
    this.#continue?.clear()
    this.#continue = undefined
  }

  /** Reads what is left and throws it away. */
  discard (): void {
    this.#body?.discard()
  }

  // Apart, so that a request without a body pays for none of these functions.
  #bodyFrom (source: Readable, raw: RawRequest, head: RequestHead): RequestBody {
    const isClients = source === raw
    if (isClients) this.#source = raw
    if (head.expectsContinue) this.#continue = new Deadline(() => this.askForBody())
    return new RequestBody({
      source,
      length: isClients ? head.length : undefined,
      maxBytes: this.#parts.maxBodyBytes,
      mayCollect: !head.expectsContinue,
      timeouts: this.#parts.bodyTimeouts,
      trailers: () => this.#trailers(),
      isCut: () => this.#source?.stream?.aborted === true,
      owner: this
    })
  }

  bodyRead (bytes: number): void {
    this.bytes += bytes
  }

  bodyBroken (error: Error): void {
    // Whatever else it is, the client is gone, and that is seen at its side.
    if ('statusCode' in error) this.#onFailed(error)
  }

  bodyTooLarge (): void {
    this.#onFailed(new BodyTooLargeError(this.#parts.maxBodyBytes))
  }

  bodyStalled (timeoutMs: number): void {
    this.#onFailed(new ClientTimeoutError('send the body of its request', `CLIENT_BODY_TIMEOUT_MS: ${timeoutMs} ms of silence`))
  }

  #trailers (): FieldList | undefined {
    const trailers = this.#source?.rawTrailers ?? []
    if (trailers.length === 0) return []
    try {
      return this.#parts.readTrailers(trailers)
    } catch (error) {
      this.#onFailed(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }
}
