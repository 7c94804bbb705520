/** A request's body with a client and a backend to play with. */
import { PassThrough } from 'node:stream'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { type AttemptBody, type BodySink, RequestBody, type RequestBodyOptions } from '../../src/upstream/request-body.ts'

/** A backend that takes what it gets, and more only as long as it likes. */
export class Sink implements BodySink {
  takesMore = true
  readonly parts: string[] = []
  /** The trailers; undefined as long as the body has not ended. */
  trailers: readonly string[] | undefined = undefined

  get text (): string {
    return this.parts.join('')
  }

  bodyPart (part: Buffer): boolean {
    if (this.trailers !== undefined) throw new Error('a part behind the end')
    this.parts.push(part.toString('latin1'))
    return this.takesMore
  }

  bodyEnd (trailers: readonly string[]): void {
    if (this.trailers !== undefined) throw new Error('ended twice')
    this.trailers = trailers
  }
}

export interface Arranged {
  /** The client's side. */
  readonly source: PassThrough
  readonly body: RequestBody
  /** What the owner was told. */
  readonly told: string[]
  readonly isReady: () => boolean
}

/** A body of which nothing has come yet, being prepared. */
export function arrange (length?: number, options: Partial<RequestBodyOptions> = {}): Arranged {
  // As much as a request of Node's HTTP server holds before it stops reading the socket.
  const source = new PassThrough({ highWaterMark: 64 * 1024 })
  const told: string[] = []
  let isReady = false
  const body = new RequestBody({
    source,
    length,
    maxBytes: 0,
    mayCollect: true,
    timeouts: new TimeoutQueue(60_000),
    trailers: () => ['x-sum', '1'],
    owner: {
      bodyRead: (bytes) => { told.push(`read ${bytes}`) },
      bodyBroken: ({ message }) => { told.push(`broken: ${message}`) },
      bodyTooLarge: () => { told.push('too large') },
      bodyStalled: (timeoutMs) => { told.push(`stalled ${timeoutMs}`) }
    },
    ...options
  })
  body.prepare(() => { isReady = true })
  return { source, body, told, isReady: () => isReady }
}

/** A body of unknown length of which a sink takes what comes. */
export function streaming (options: Partial<RequestBodyOptions> = {}): Arranged & { readonly sink: Sink } {
  const arranged = arrange(undefined, options)
  const sink = new Sink()
  streamOf(arranged.body.forAttempt()).attach(sink)
  return { ...arranged, sink }
}

/** Lets everything happen that streams put off. */
export async function settled (): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => { setImmediate(resolve) })
}

/** A sink for the next attempt. */
export function attachedTo (body: RequestBody): Sink {
  const sink = new Sink()
  streamOf(body.forAttempt()).attach(sink)
  return sink
}

function streamOf (body: AttemptBody): RequestBody {
  if (body instanceof RequestBody) return body
  throw new TypeError('a body that comes in parts was expected')
}
