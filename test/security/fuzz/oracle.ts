/** What a plain node:http server makes of bytes: the requests that are in them, as far as they come. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { duplexPair } from 'node:stream'
import { type ExpectedRequest, requestFields, trailerFields } from '../end-to-end.ts'
import type { Field } from '../exact-message.ts'

export interface SeenRequest {
  readonly method: string
  /** What a backend has to get of it; of one that is not whole, the body as far as it came. */
  readonly expected: ExpectedRequest
  readonly isWhole: boolean
}

/** More than the gateway takes. */
const MAX_HEADER_BYTES = 256 * 1024

/** Turns of the event loop after which a connection that says nothing will say nothing more. */
const QUIET_TURNS = 8

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is

/** The requests that Node sees in `bytes`, after which the client ends its side. */
export async function requestsIn (bytes: Buffer): Promise<SeenRequest[]> {
  const seen: Array<{ readonly raw: IncomingMessage, readonly chunks: Buffer[] }> = []
  let turns = 0
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false, insecureHTTPParser: false })
  const note = (raw: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    seen.push({ raw, chunks })
    raw.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      turns = 0
    })
    raw.on('error', () => {})
    raw.on('end', () => response.end())
    turns = 0
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, note)
  server.maxHeadersCount = 0
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('clientError', (_error, socket) => socket.destroy())
  const [client, side] = duplexPair()
  server.emit('connection', side)
  for (const end of [client, side]) end.on('error', () => {})
  client.resume()
  client.end(bytes)
  while (turns++ < QUIET_TURNS) await new Promise(setImmediate)
  const requests = seen.map(({ raw, chunks }) => ({ method: raw.method ?? '', isWhole: raw.complete, expected: expectedOf(raw, Buffer.concat(chunks)) }))
  client.destroy()
  side.destroy()
  return requests
}

function expectedOf ({ method = '', url = '', rawHeaders, rawTrailers }: IncomingMessage, body: Buffer): ExpectedRequest {
  const fields = pairs(rawHeaders)
  const { target, authority } = targetOf(method, url)
  const host = authority ?? fields.find(([name]) => name.toLowerCase() === 'host')?.[1]
  return { method, target, host, fields: requestFields(fields, 'drop'), body: body.toString('latin1'), trailers: trailerFields(pairs(rawTrailers), 'drop') }
}

/** RFC 9112, sections 3.2.1 to 3.2.4. */
function targetOf (method: string, url: string): { readonly target: string, readonly authority: string | undefined } {
  const [, authority, rest = ''] = ABSOLUTE.exec(url) ?? []
  if (authority === undefined) return { target: url, authority: undefined }
  if (rest === '') return { target: method === 'OPTIONS' ? '*' : '/', authority }
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

function pairs (raw: readonly string[]): Field[] {
  return raw.flatMap((name, i) => i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : [])
}
