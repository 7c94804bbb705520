/**
 * The security corpora: one case a line of JSON. What a line may say is in the schemas below; text is latin1, so that each
 * character is a byte. Messages are read here by the letter of RFC 9112 alone, so that nothing sloppy passes unseen.
 */
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { resetConnection } from '../../src/client/reset.ts'
import { ByteReader, EndOfBytes, portOf, PROBE_AGENT } from '../helper.ts'

const exact = { additionalProperties: false }

/** Text, or pieces of it; `{"repeat": ["a", 3]}` is a piece that says `aaa`. */
const Bytes = Type.Union([
  Type.String(),
  Type.Array(Type.Union([Type.String(), Type.Object({ repeat: Type.Tuple([Type.String(), Type.Integer({ minimum: 1 })]) }, exact)]))
])

/** What a message must look like. Body and trailers are compared as a whole: none unless said otherwise. */
const parts = {
  /** Field lines, `name: value`. Of a name that is given, these are all there are, in this order; the value `*` is any one. */
  has: Type.Optional(Type.Array(Type.String())),
  /** Names that must not be there, or lines `name: value`. */
  lacks: Type.Optional(Type.Array(Type.String())),
  /** Freed of its chunks. */
  body: Type.Optional(Bytes),
  trailers: Type.Optional(Type.Array(Type.String()))
}

const UpstreamRequest = Type.Object({ line: Bytes, ...parts }, exact)

/** What a client sends on one connection, and what comes of it. */
export const RequestCase = Type.Object({
  name: Type.String(),
  /** Overrides for the gateway's configuration. */
  env: Type.Optional(Type.Record(Type.String(), Type.String())),
  send: Bytes,
  /** Final statuses in order; a list where the RFC leaves the choice. */
  answers: Type.Array(Type.Union([Type.Integer(), Type.Array(Type.Integer())])),
  /** Interim statuses; not looked at where they are not given. */
  interim: Type.Optional(Type.Array(Type.Integer())),
  /** Whether the gateway closes after the last answer. Not given: either way, as long as it stays in step. */
  closed: Type.Optional(Type.Boolean()),
  /** null: no byte reaches a backend. "cut": at most the beginning of a request, on a connection that ends with it. */
  upstream: Type.Union([Type.Null(), Type.Literal('cut'), Type.Array(UpstreamRequest)])
}, exact)

const Interim = Type.Object({ status: Type.Integer(), has: parts.has }, exact)
const ExpectedAnswer = Type.Object({ status: Type.Integer(), ...parts, interim: Type.Optional(Type.Array(Interim)) }, exact)

/** What a backend answers, and what comes of it. */
export const ResponseCase = Type.Object({
  name: Type.String(),
  /** The request line of the client; default: `GET / HTTP/1.1`. */
  request: Type.Optional(Type.String()),
  send: Bytes,
  /** How the backend ends the connection after these bytes; default: not at all. */
  closes: Type.Optional(Type.Union([Type.Literal('fin'), Type.Literal('reset')])),
  /** 502: the gateway's own. "cut": that, or an answer that does not look whole. */
  answer: Type.Union([Type.Literal(502), Type.Literal('cut'), ExpectedAnswer]),
  /** Whether the upstream connection carries the next request; not given: either way. */
  again: Type.Optional(Type.Boolean())
}, exact)

export type Bytes = Static<typeof Bytes>
export type Interim = Static<typeof Interim>
export type RequestCase = Static<typeof RequestCase>
export type ResponseCase = Static<typeof ResponseCase>

/** A message as it came. */
export interface Message {
  readonly startLine: string
  /** Field lines, `name: value`, names in lower case. */
  readonly fields: readonly string[]
  readonly body: Buffer
  readonly trailers: readonly string[]
  /** Whether it ended where it said that it would. */
  readonly isWhole: boolean
}

type Parts = Pick<Static<typeof UpstreamRequest>, keyof typeof parts>
type Content = Omit<Message, 'startLine' | 'fields'>

const REQUEST_LINE = /^[!#$%&'*+.^_`|~\dA-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.1$/
const STATUS_LINE = /^HTTP\/1\.1 [1-5]\d\d [\t\x20-\x7e\x80-\xff]*$/
const FIELD_LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/

const NO_CONTENT: Content = { body: Buffer.alloc(0), trailers: [], isWhole: true }

/** Trailers of these names would change what the message is (RFC 9110, section 6.5.1). */
const NO_TRAILERS = ['content-length', 'host', 'transfer-encoding']

/** The cases of a file beside this one; throws if a line is not what the schema says. */
export function readCorpus<Schema extends TSchema> (file: string, schema: Schema): Array<Static<Schema>> {
  const lines = readFileSync(new URL(file, import.meta.url), 'utf8').split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const parsed: unknown = JSON.parse(line)
    if (!Value.Check(schema, parsed)) throw new Error(`${file}: ${line}\n${JSON.stringify(Value.Errors(schema, parsed))}`)
    return parsed
  })
}

export function bytesOf (bytes: Bytes): Buffer {
  const pieces = typeof bytes === 'string' ? [bytes] : bytes
  return Buffer.from(pieces.map((piece) => typeof piece === 'string' ? piece : piece.repeat[0].repeat(piece.repeat[1])).join(''), 'latin1')
}

/** Reads a request. Throws `EndOfBytes` if it is cut, and any other error if it is not HTTP/1.1. */
export async function readRequest (reader: ByteReader): Promise<Message> {
  const { startLine, fields } = await readHead(reader, REQUEST_LINE)
  if (valuesOf(fields, 'host').length !== 1) throw new Error(`not exactly one Host: ${fields.join(' | ')}`)
  const isFramed = valuesOf(fields, 'transfer-encoding').length + valuesOf(fields, 'content-length').length > 0
  return { startLine, fields, ...isFramed ? await readFramed(reader, fields) : NO_CONTENT }
}

/** Reads an answer to a request of this method; one that is cut within its body is no error, but not whole. */
export async function readAnswer (reader: ByteReader, method: string): Promise<Message> {
  const { startLine, fields } = await readHead(reader, STATUS_LINE)
  const status = statusOf({ startLine })
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { startLine, fields, ...NO_CONTENT }
  try {
    return { startLine, fields, ...await readFramed(reader, fields) }
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error
    return { startLine, fields, body: await reader.exactly(reader.unread.length), trailers: [], isWhole: false }
  }
}

export function statusOf ({ startLine }: { readonly startLine: string }): number {
  return Number(startLine.split(' ')[1])
}

/** The request's method and target. */
export function askedBy ({ startLine }: { readonly startLine: string }): { readonly method: string, readonly target: string } {
  const [method = '', target = ''] = startLine.split(' ')
  return { method, target }
}

/** Where a message is not as expected, a sentence each. */
export function messageFaults (what: string, { has = [], lacks = [], body = '', trailers = [] }: Parts, seen: Message): string[] {
  const faults = fieldFaults(what, has, seen.fields)
  const unwanted = lacks.filter((one) => one.includes(':') ? seen.fields.includes(one) : valuesOf(seen.fields, one).length > 0)
  faults.push(...unwanted.map((one) => `${what}: has "${one}"`))
  if (!seen.body.equals(bytesOf(body))) faults.push(`${what}: the body is ${quote(seen.body)} instead of ${quote(bytesOf(body))}`)
  const [trailersSeen, trailersWanted] = [JSON.stringify(seen.trailers), JSON.stringify(trailers)]
  if (trailersSeen !== trailersWanted) faults.push(`${what}: the trailers are ${trailersSeen} instead of ${trailersWanted}`)
  return faults
}

/** Where the fields of these names are not as expected, a sentence each. */
export function fieldFaults (what: string, has: readonly string[], fields: readonly string[]): string[] {
  const names = new Set(has.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()))
  return [...names].flatMap((name) => {
    const [wanted, seen] = [valuesOf(has, name), valuesOf(fields, name)]
    // Via may be carried on within its line or by a line more (RFC 9110, section 5.3).
    const isSame = name === 'via'
      ? wanted.join(', ') === seen.join(', ')
      : wanted.length === seen.length && wanted.every((value, i) => value === seen[i] || (value === '*' && seen[i] !== ''))
    return isSame ? [] : [`${what}: ${name} is ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`]
  })
}

/** Bytes as a person can read them, the first of many. */
export function quote (bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 200)) + (bytes.length > 200 ? `... (${bytes.length} bytes)` : '')
}

/** A connection of the gateway to the backend. */
export interface Link {
  readonly socket: Socket
  readonly reader: ByteReader
  /** Where the last whole request ended. */
  wholeBytes: number
}

/** Answers a request on its connection. */
export type Reply = (request: Message, link: Link) => void | Promise<void>

/** A backend that keeps what it gets, whole or not. Probes are answered apart. */
export class CorpusBackend {
  readonly url: string
  /** Whole requests in the order of arrival. */
  readonly requests: Array<{ readonly request: Message, readonly link: Link }> = []
  /** Bytes that are not HTTP/1.1. */
  readonly faults: string[] = []
  readonly #reply: Reply
  readonly #server: Server
  readonly #links = new Set<Link>()

  private constructor (server: Server, reply: Reply) {
    this.url = `http://127.0.0.1:${portOf(server)}`
    this.#server = server
    this.#reply = reply
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {})
      const link = { socket, reader: new ByteReader(socket), wholeBytes: 0 }
      this.#links.add(link)
      void this.#serve(link)
    })
  }

  static async start (reply: Reply): Promise<CorpusBackend> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new CorpusBackend(server, reply)
  }

  /** Connections on which the beginning of a request came and not its end. */
  get begun (): Link[] {
    return [...this.#links].filter((link) => partOf(link).length > 0)
  }

  /** Begins anew: nothing has come. */
  forget (): void {
    for (const link of this.#links) {
      if (partOf(link).length > 0) link.socket.destroy()
      link.wholeBytes = link.reader.received.length
      if (link.socket.destroyed) this.#links.delete(link)
    }
    this.requests.length = 0
    this.faults.length = 0
  }

  async stop (): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { socket } of this.#links) resetConnection(socket)
    await closed
  }

  async #serve (link: Link): Promise<void> {
    const { socket, reader } = link
    try {
      while (socket.writable) {
        const request = await readRequest(reader)
        link.wholeBytes = reader.received.length - reader.unread.length
        if (!request.fields.includes(`user-agent: ${PROBE_AGENT}`)) {
          this.requests.push({ request, link })
          await this.#reply(request, link)
        } else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      }
    } catch (error) {
      if (!(error instanceof EndOfBytes)) this.faults.push(`not HTTP/1.1: ${String(error)}: ${quote(partOf(link))}`)
      socket.end()
    }
  }
}

/** What came behind the last whole request. */
export function partOf ({ reader, wholeBytes }: Link): Buffer {
  return reader.received.subarray(wholeBytes)
}

async function readHead (reader: ByteReader, start: RegExp): Promise<Pick<Message, 'startLine' | 'fields'>> {
  const [startLine = '', ...lines] = (await reader.upTo('\r\n\r\n')).toString('latin1').slice(0, -4).split('\r\n')
  if (!start.test(startLine)) throw new Error(`not a start line: ${JSON.stringify(startLine)}`)
  return { startLine, fields: lines.map(fieldLine) }
}

function fieldLine (line: string): string {
  const [, name, value] = FIELD_LINE.exec(line) ?? []
  if (name === undefined) throw new Error(`not a field line: ${JSON.stringify(line)}`)
  return `${name.toLowerCase()}: ${value}`
}

function valuesOf (lines: readonly string[], name: string): string[] {
  return lines.filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)).map((line) => line.slice(name.length + 2))
}

/** A body as the head announces it; without a length or chunks, all until the end. */
async function readFramed (reader: ByteReader, fields: readonly string[]): Promise<Content> {
  const [codings, lengths] = [valuesOf(fields, 'transfer-encoding'), valuesOf(fields, 'content-length')]
  const isClear = codings.length + lengths.length <= 1 && /^(chunked)?$/i.test(codings.join()) && /^\d*$/.test(lengths.join())
  if (!isClear) throw new Error(`ambiguous length: ${fields.join(' | ')}`)
  if (codings.length > 0) return await readChunked(reader)
  const body = lengths.length > 0 ? await reader.exactly(Number(lengths[0])) : await reader.rest()
  return { body, trailers: [], isWhole: true }
}

async function readChunked (reader: ByteReader): Promise<Content> {
  const chunks: Buffer[] = []
  for (let size = -1; size !== 0;) {
    const line = await nextLine(reader)
    if (!/^[\da-f]{1,8}$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
    size = Number.parseInt(line, 16)
    if (size === 0) break
    chunks.push(await reader.exactly(size))
    if ((await reader.exactly(2)).toString() !== '\r\n') throw new Error('no CRLF after a chunk')
  }
  const trailers: string[] = []
  for (let line = await nextLine(reader); line !== ''; line = await nextLine(reader)) trailers.push(fieldLine(line))
  if (NO_TRAILERS.some((name) => valuesOf(trailers, name).length > 0)) throw new Error(`trailers that must not be: ${trailers.join(' | ')}`)
  return { body: Buffer.concat(chunks), trailers, isWhole: true }
}

async function nextLine (reader: ByteReader): Promise<string> {
  return (await reader.upTo('\r\n')).toString('latin1').slice(0, -2)
}
