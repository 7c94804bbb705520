/** What an exchange has to do with the body of its client's request: reading it, asking for it (Expect), and what goes wrong with it. */
import type { Readable } from 'node:stream'
import { writeInformation } from '../client/client-response.ts'
import type { ClientReply, ClientRequest, RawRequest } from '../client/client-side.ts'
import { BodyTooLargeError, ClientTimeoutError } from '../errors.ts'
import { Deadline } from '../timing/deadline.ts'
import type { FieldList } from '../wire/fields.ts'
import type { EngineParts } from './engine-parts.ts'
import { type AttemptBody, type BodyOwner, RequestBody } from './request-body.ts'

const CONTINUE = 100

export interface UploadOptions {
  readonly request: ClientRequest
  readonly reply: ClientReply
  readonly parts: EngineParts
  /** Where the body is read from: the client's request, unless a hook has put something else in its place. */
  readonly source: Readable
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
  readonly #source: RawRequest | undefined
  readonly #body: RequestBody
  /** Set while the client waits to be asked for its body. */
  #continue: Deadline | undefined

  constructor ({ request, reply, parts, source, onFailed }: UploadOptions) {
    const { raw, head } = request
    this.#reply = reply
    this.#parts = parts
    this.#onFailed = onFailed
    this.#source = source === raw ? raw : undefined
    if (head.expectsContinue) this.#continue = new Deadline(() => this.askForBody())
    this.#body = new RequestBody({
      source,
      length: source === raw ? head.length : undefined,
      maxBytes: parts.maxBodyBytes,
      mayCollect: !head.expectsContinue,
      timeouts: parts.bodyTimeouts,
      trailers: () => this.#trailers(),
      isCut: () => this.#source?.stream?.aborted === true,
      owner: this
    })
  }

  /** Whether it can be sent once more from its first byte. */
  get canReplay (): boolean {
    return this.#body.canReplay
  }

  /** Whether the client has sent all of it. */
  get isComplete (): boolean {
    return this.#body.isComplete
  }

  /** Whether the client is the one that is waited for, not the backend. */
  get waitsForClient (): boolean {
    return this.#body.waitsForClient
  }

  /** Calls back when there is enough to send a request. */
  prepare (callback: () => void): void {
    this.#body.prepare(callback)
  }

  /** What the next attempt sends. */
  forAttempt (): AttemptBody {
    return this.#body.forAttempt()
  }

  /** The backend has the head, and some time to ask for the body. */
  headSent (): void {
    if (this.#continue !== undefined) this.#parts.continueTimeouts.start(this.#continue)
  }

  /** Tells the client to go on with its body, once. */
  askForBody (): void {
    if (this.#continue === undefined) return
    this.stopAsking()
    this.#body.asked()
    writeInformation(this.#reply.raw, CONTINUE, [])
  }

  /** The client is not told to go on any more. */
  stopAsking (): void {
    this.#continue?.clear()
    this.#continue = undefined
  }

  /** Reads what is left and throws it away. */
  discard (): void {
    this.#body.discard()
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
