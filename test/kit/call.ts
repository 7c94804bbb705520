/** A request to the gateway by an ordinary client (node:http), on a connection of its own unless an agent is given. */
import { type Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request, type OutgoingHttpHeaders } from 'node:http'
import { within } from './until.ts'

export interface CallOptions {
  readonly method?: string
  /** Default: that of the URL. */
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** A whole answer. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

/** Sends a request and reads the whole answer; fails if that is cut. */
export async function call (url: string, options: CallOptions = {}): Promise<Answered> {
  const sent = open(url, options)
  sent.end(options.body)
  const response = await answerTo(sent)
  const body = await readAll(response)
  return { status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() }
}

/** Sends the head of a request; what follows is the caller's business. */
export function open (url: string, { method = 'GET', path, headers = {}, agent }: CallOptions = {}): ClientRequest {
  const sent = request(url, { method, headers, agent: agent ?? false, ...(path !== undefined && { path }) })
  sent.on('error', () => {})
  return sent
}

/** The head of the answer. */
export async function answerTo (sent: ClientRequest): Promise<IncomingMessage> {
  return await within('the head of an answer', new Promise((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', reject)
  }))
}

/** All of a body; fails if it is cut. */
export async function readAll (stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
