/** Requests and answers made up for property tests: valid ones, with everything that the RFCs let stand in them. */
import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { type ExpectedRequest, requestFields, responseFields, trailerFields } from './end-to-end.ts'
import type { Field } from './exact-message.ts'

/** All text is latin1, so that each character is a byte: a person has to read a case that fails. */
export interface MadeRequest {
  readonly sent: string
  readonly expected: ExpectedRequest
  /** Whether the connection closes behind its answer. */
  readonly isLast: boolean
}

export interface MadeResponse {
  readonly sent: string
  /** The method of the request that it answers. */
  readonly method: string
  /** Whether the backend ends the connection behind it, as it says by its head. */
  readonly closes: boolean
  readonly expected: ExpectedResponse
}

/** An answer as it has to reach a client of HTTP/1.1. */
export interface ExpectedResponse {
  /** Statuses and fields of those before it. */
  readonly interim: ReadonlyArray<readonly [status: number, fields: readonly Field[]]>
  readonly status: number
  /** undefined: whatever the gateway likes. */
  readonly reason: string | undefined
  readonly fields: readonly Field[]
  /** Content-Length; undefined: not said, or the length of the body. */
  readonly length: string | undefined
  readonly body: string
  readonly trailers: readonly Field[]
}

interface Framing {
  readonly kind: 'none' | 'length' | 'chunked' | 'close'
  readonly body: string
  readonly lines: readonly Field[]
  /** What stands behind the head. */
  readonly sent: string
  readonly trailers: readonly Field[]
}

const TOKEN_CHARACTERS = '!#$%&\'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
const VISIBLE = range(0x21, 0x7e)
const LATIN1 = range(0x80, 0xff)

/** A fragment is refused, and so is what is not ASCII. */
const TARGET_CHARACTERS = VISIBLE.filter((character) => character !== '#')

const FORWARDED_METHODS = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')

/** In bytes. */
const SMALL_LENGTH = 320

const USUAL_NAMES = [
  'Accept', 'accept-encoding', 'ACCEPT-LANGUAGE', 'Authorization', 'Cache-Control', 'Content-Type', 'Cookie', 'cookie', 'ETag', 'If-None-Match', 'Max-Forwards', 'Origin',
  'Range', 'Referer', 'User-Agent', 'x-a', 'X-A', 'X-B', 'x_b', 'Via', 'Date', 'Server', 'Proxy', 'Content-Encoding', 'Priority'
]

/** What a client says of its own connection, or must not say. */
const HOP_FIELDS: readonly Field[] = [
  ['Keep-Alive', 'timeout=5'], ['Proxy-Connection', 'x'], ['Proxy-Authorization', 'Basic eDp5'], ['proxy-authenticate', 'Basic'], ['TE', 'gzip;q=0.5'], ['te', 'trailers'],
  ['Trailer', 'X-T'], ['HTTP2-Settings', 'AAMAAABkAAQAAP__'], ['Client-Cert', ':AAAA:'], ['X-Forwarded-For', '192.0.2.1'], ['x-forwarded-whatever', 'a'], ['Forwarded', 'for=192.0.2.1'],
  ['X-Request-Id', 'mine'], ['X-Real-IP', '192.0.2.1']
]

const RESPONSE_HOP_FIELDS: readonly Field[] = [
  ['Keep-Alive', 'timeout=5, max=1000'], ['Proxy-Authenticate', 'Basic'], ['Proxy-Connection', 'x'], ['TE', 'trailers'], ['Upgrade', 'h2c'], ['Trailer', 'X-T']
]

/** Names whose meaning is not just text. */
const NOT_RANDOM: ReadonlySet<string> = new Set([
  ...[...HOP_FIELDS, ...RESPONSE_HOP_FIELDS].map(([name]) => name.toLowerCase()),
  'host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect', 'client-cert-chain'
])

const HOSTS = ['a.test', 'A.Test:8080', '192.0.2.7', '192.0.2.7:80', '[2001:db8::1]', '[::1]:443', 'xn--bcher-kva.example', 'a_b', 'x-y.z:', '~!$&\'()*+;=%41']

/** What a body would like to be taken for. */
const BODY_TEXTS = [
  'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n', '0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n', '\r\n', '\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '\0\xff\n\r'
]

const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 12 })
const blanks = fc.constantFrom('', ' ', '\t', '  \t')
const inner = fc.string({ unit: fc.constantFrom('\t', ' ', ',', ...VISIBLE, ...LATIN1), maxLength: 24 })
const value = fc.oneof({ weight: 9, arbitrary: inner }, { weight: 1, arbitrary: fc.integer({ min: 300, max: 3_000 }).map((length) => 'v\xe9 '.repeat(length / 3)) }).map(trimmed)
const randomName = token.filter((name) => !NOT_RANDOM.has(name.toLowerCase()) && !name.toLowerCase().startsWith('x-forwarded-'))
const plainField = fc.tuple(fc.oneof(fc.constantFrom(...USUAL_NAMES), randomName), value)

/**
 * In an answer Cookie means nothing, and Node joins several of them. Names that are numbers go before all others, and `__proto__`
 * goes nowhere: Node and Fastify keep fields in JavaScript objects.
 */
const answerField = plainField.filter(([name]) => name.toLowerCase() !== 'cookie' && !/^(?:\d+|__proto__)$/.test(name))

/** Fields and the blanks around their values. */
const fieldLines = (plain: typeof plainField, hop: readonly Field[]): fc.Arbitrary<Array<[Field, string, string]>> => fc.array(
  fc.tuple(fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: fc.constantFrom(...hop) }), blanks, blanks), { maxLength: 9 })

const smallBody = fc.oneof(fc.string({ unit: fc.constantFrom(...range(0, 0xff)), maxLength: 48 }), fc.constantFrom(...BODY_TEXTS))
const largeBody = fc.integer({ min: 10_000, max: 160_000 }).map((length) => 'abcdefghijklm\r\n0\r\n\r\n'.repeat(length / 20))
const extension = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  fc.tuple(token, fc.constantFrom('', '=x', '="quoted; \\" text"')).map(([name, rest]) => `;${name}${rest}`))
const chunkStyle = fc.record({
  cuts: fc.array(fc.nat(60), { maxLength: 5 }),
  extensions: fc.array(extension, { minLength: 1, maxLength: 3 }),
  zeros: fc.nat(2),
  isUpper: fc.boolean(),
  trailers: fc.array(fc.tuple(fc.oneof(fc.constantFrom('X-T', 'x-t', 'Content-Type', 'Host', 'Authorization', 'Set-Cookie', 'X-Forwarded-For'), randomName), value), { maxLength: 3 })
})

const bodyOf = (isSmall: boolean): fc.Arbitrary<string> => isSmall ? smallBody : fc.oneof({ weight: 11, arbitrary: smallBody }, { weight: 1, arbitrary: largeBody })

const framing = (kinds: ReadonlyArray<Framing['kind']>, isSmall: boolean): fc.Arbitrary<Framing> =>
  fc.record({ kind: fc.constantFrom(...kinds), body: bodyOf(isSmall), style: chunkStyle }).map(({ kind, body, style }) => framed(kind, body, style))

/** Options of Connection: names of fields that may be there, some that must not work, and rubbish. */
const connectionOptions = (closes: number): fc.Arbitrary<string[]> => fc.array(fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('x-a', 'X-B', 'accept', 'cookie', 'x_b', 'etag', 'via', '') },
  { weight: 2, arbitrary: fc.constantFrom('Keep-Alive', 'keep-alive', 'host', 'Content-Length', 'transfer-encoding', 'x-forwarded-for', 'te') },
  { weight: closes, arbitrary: fc.constantFrom('close', 'Close') },
  token), { minLength: 1, maxLength: 4 })

/** `isSmall`: of less than SMALL_LENGTH. `isKept`: the connection is not closed behind it. */
export const request = ({ isSmall = false, isKept = false } = {}): fc.Arbitrary<MadeRequest> => fc.record({
  method: fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'HEAD'), fc.constantFrom(...FORWARDED_METHODS)),
  path: fc.string({ unit: fc.constantFrom('/', '?', '%', '\\', '.', ...TARGET_CHARACTERS), maxLength: isSmall ? 12 : 60 }),
  form: fc.constantFrom(...Array<'origin'>(10).fill('origin'), 'absolute', 'asterisk'),
  host: fc.constantFrom(...HOSTS),
  hostName: fc.constantFrom('Host', 'host', 'HOST'),
  hostAt: fc.nat(9),
  isOld: isKept ? fc.constant(false) : fc.integer({ min: 0, max: 19 }).map((roll) => roll === 0),
  lines: fieldLines(plainField, HOP_FIELDS),
  connection: fc.option(connectionOptions(isKept ? 0 : 1), { freq: 3 }),
  emptyLines: fc.constantFrom(0, 0, 0, 1, 2),
  framing: framing(['none', 'length', 'chunked'], isSmall),
  expects: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  upgrades: isKept ? fc.constant(false) : fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0)
}).map(({ path, form, host, hostName, hostAt, isOld, lines, connection, emptyLines, framing: made, expects, upgrades, ...others }) => {
  const body = isOld && made.kind === 'chunked' ? framed('length', made.body) : made
  const { target, sentTarget, method } = targetOf(form, others.method, path, host)
  const all = lines.map(([[name, text], before, after]): readonly [Field, string] => [[name, text], `${name}:${before}${text}${after}`])
  all.splice(hostAt, 0, [[hostName, host], `${hostName}: ${host}`])
  const more: Field[] = [...body.lines]
  if (connection !== null) more.push(['Connection', connection.join(', ')])
  if (expects && body.body.length > 0 && !isOld) more.push(['Expect', '100-Continue'])
  // Without a body it would be the beginning of a tunnel. Behind one that does not become a tunnel the connection ends.
  const asksInVain = upgrades && body.body.length > 0
  if (asksInVain) more.push(['Upgrade', 'x/1'])
  for (const field of more) all.push([field, `${field[0]}: ${field[1]}`])
  const head = `${'\r\n'.repeat(emptyLines)}${method} ${sentTarget} HTTP/1.${isOld ? 0 : 1}\r\n${all.map(([, line]) => `${line}\r\n`).join('')}\r\n`
  return {
    sent: head + body.sent,
    isLast: asksInVain || (isOld ? !has(connection, 'keep-alive') : has(connection, 'close')),
    expected: { method, target, host, fields: requestFields(all.map(([field]) => field), 'pass'), body: body.body, trailers: trailerFields(body.trailers) }
  }
}).filter(({ sent }) => sent.indexOf('\r\n\r\n', 8) < 15_000 && (!isSmall || sent.length < SMALL_LENGTH))

export const response = ({ isSmall = false } = {}): fc.Arbitrary<MadeResponse> => fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'),
  status: fc.oneof(fc.constantFrom(200, 200, 204, 206, 302, 304, 404, 500), fc.integer({ min: 200, max: 999 })),
  reason: fc.oneof(fc.constantFrom('OK', 'Whatever you say', ''), inner.map(trimmed)),
  lines: fieldLines(answerField, RESPONSE_HOP_FIELDS),
  cookies: fc.nat(2),
  connection: fc.option(connectionOptions(1), { freq: 3 }),
  interim: fc.array(fc.tuple(fc.constantFrom(102, 103, 103, 199), fc.array(answerField, { maxLength: 3 })), { maxLength: 2 }),
  framing: framing(['length', 'length', 'chunked', 'chunked', 'close'], isSmall)
}).map(({ method, status, reason, lines, cookies, connection, interim, framing: made }) => {
  const isBodiless = method === 'HEAD' || status === 204 || status === 304
  const all = lines.map(([[name, text], before, after]): readonly [Field, string] => [[name, text], `${name}:${before}${text}${after}`])
  const more: Field[] = [...made.lines, ...Array.from({ length: cookies }, (_, i) => ['Set-Cookie', `c${i}=1; Path=/`] as const)]
  if (connection !== null) more.push(['Connection', connection.join(', ')])
  for (const field of more) all.push([field, `${field[0]}: ${field[1]}`])
  const heads = interim.map(([code, fields]) => `HTTP/1.1 ${code} x\r\n${fields.map(([name, text]) => `${name}: ${text}\r\n`).join('')}\r\n`)
  const head = `${heads.join('')}HTTP/1.1 ${status} ${reason}\r\n${all.map(([, line]) => `${line}\r\n`).join('')}\r\n`
  const length = made.kind === 'length' && status !== 204 ? String(made.body.length) : undefined
  return {
    sent: isBodiless ? head : head + made.sent,
    method,
    closes: (made.kind === 'close' && !isBodiless) || has(connection, 'close'),
    expected: {
      interim: interim.map(([code, fields]) => [code, responseFields(fields)] as const),
      status,
      // Without a text of its own Node's stands there; what is not ASCII is not passed on.
      reason: reason !== '' && /^[\x20-\x7e]*$/.test(reason) ? reason : undefined,
      fields: responseFields(all.map(([field]) => field)),
      length,
      body: isBodiless ? '' : made.body,
      trailers: isBodiless || made.kind !== 'chunked' ? [] : trailerFields(made.trailers).map(([name, text]) => [name.toLowerCase(), text] as const)
    }
  }
}).filter(({ sent }) => !isSmall || sent.length < SMALL_LENGTH)

function targetOf (form: 'origin' | 'absolute' | 'asterisk', method: string, path: string, host: string): { target: string, sentTarget: string, method: string } {
  if (form === 'asterisk') return { target: '*', sentTarget: '*', method: 'OPTIONS' }
  const target = `/${path}`
  return { target, sentTarget: form === 'absolute' ? `http://${host}${target}` : target, method }
}

function framed (kind: Framing['kind'], body: string, style?: { cuts: number[], extensions: string[], zeros: number, isUpper: boolean, trailers: Array<[string, string]> }): Framing {
  if (kind === 'none') return { kind, body: '', lines: [], sent: '', trailers: [] }
  if (kind === 'close') return { kind, body, lines: [], sent: body, trailers: [] }
  if (kind === 'length' || style === undefined) return { kind: 'length', body, lines: [['Content-Length', String(body.length)]], sent: body, trailers: [] }
  const sizeLine = (size: number, i: number): string => {
    const digits = `${'0'.repeat(style.zeros)}${size.toString(16)}`
    return `${style.isUpper ? digits.toUpperCase() : digits}${style.extensions[i % style.extensions.length] ?? ''}\r\n`
  }
  let sent = ''
  const ends = [...new Set([...style.cuts, body.length])].filter((end) => end > 0 && end <= body.length).toSorted((a, b) => a - b)
  for (const [i, end] of ends.entries()) sent += `${sizeLine(end - (ends[i - 1] ?? 0), i)}${body.slice(ends[i - 1] ?? 0, end)}\r\n`
  sent += `${sizeLine(0, ends.length)}${style.trailers.map(([name, text]) => `${name}: ${text}\r\n`).join('')}\r\n`
  return { kind, body, lines: [[style.isUpper ? 'TRANSFER-ENCODING' : 'transfer-encoding', style.isUpper ? 'Chunked' : 'chunked']], sent, trailers: style.trailers }
}

function has (options: readonly string[] | null, wanted: string): boolean {
  return options?.some((option) => option.toLowerCase() === wanted) === true
}

function trimmed (text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, '')
}

function range (first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i))
}
