/**
 * What a client gets whose bytes the HTTP parser refuses, or who is too slow with them. No request came of it, so there is no
 * reply: the answer is written to the connection, behind those that are still owed on it, and the connection is closed.
 */
import { METHODS, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from '@fastify/error'
import {
  ClientTimeoutError, HeadTooLargeError, MethodUnknownError, RequestMalformedError, TargetTooLongError, VersionUnsupportedError
} from '../errors.ts'
import { isClosing } from './closing.ts'
import { isFull } from './pipeline.ts'
import { isLingering, linger } from './linger.ts'
import { responseOf, whenFree } from './turn.ts'

/** What Node tells of such a client. */
export interface ParseError extends Error {
  readonly code?: string | undefined
  readonly reason?: string | undefined
  /** A Buffer, whatever the types of others say. */
  readonly rawPacket?: unknown
}

/** Told of a connection that is refused; not of one whose client just left. */
export type OnRefused = (error: FastifyError, socket: Socket) => void

/** The methods that Node's parser knows, and with it the gateway. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)

/** What an Allow field says to who has asked for something else (RFC 9110, section 15.5.6). */
export const ALLOWED_METHODS = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE').join(', ')

/** So much of a request line is looked at to say what is wrong with it. */
const LINE_LIMIT = 16 * 1024

const REQUEST_LINE = /^(?:\r?\n)*([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +[^\s]+ +HTTP\/(\d\.\d)\r\n/

const refused = new WeakSet<Socket>()

/** Answers and closes. Whatever the parser says of the connection afterwards is passed over. */
export function refuseClient (cause: ParseError, socket: Socket, onRefused: OnRefused): void {
  // Bytes behind a request that asked for the connection to be closed: nobody will answer them.
  if (refused.has(socket) || isLingering(socket) || isClosing(socket) || isFull(socket) || cause.code === 'HPE_CLOSED_CONNECTION') return
  // It left, or broke off in the middle of a request: whoever works for it sees the connection close.
  if (socket.destroyed || !socket.writable || cause.code === 'ECONNRESET' || cause.code === 'HPE_INVALID_EOF_STATE') {
    socket.destroy(cause)
    return
  }
  refused.add(socket)
  answerInTurn(errorFor(cause, socket), socket, onRefused)
}

/** A request that is still coming in fails by itself; those before it get their answers first. */
function answerInTurn (error: FastifyError, socket: Socket, onRefused: OnRefused): void {
  const pending = responseOf(socket)
  if (pending === undefined) {
    onRefused(error, socket)
    socket.write(rawAnswer(error), 'latin1')
    linger(socket)
  } else if (pending.req.complete) {
    pending.once('close', () => setImmediate(() => { if (!socket.destroyed) answerInTurn(error, socket, onRefused) }))
  } else if (pending.req.listenerCount('error') > 0) {
    pending.req.emit('error', error)
  } else {
    socket.destroy(error)
  }
}

/** Refuses a request that is none of HTTP's: CONNECT, in its turn. */
export function refuseInTurn (error: FastifyError, socket: Socket, onRefused: OnRefused, fields = ''): void {
  refused.add(socket)
  // The HTTP server has let go of the connection: nobody else hears of its errors.
  socket.on('error', ignore)
  // What follows is no HTTP. It is read all the same: else nobody would see that the client leaves.
  socket.on('data', ignore)
  whenFree(socket, () => {
    onRefused(error, socket)
    socket.write(rawAnswer(error, fields), 'latin1')
    linger(socket)
  })
}

/** An answer as bytes, in the form that all errors of the gateway have; `fields`: further lines of its head. */
export function rawAnswer (error: FastifyError, fields = ''): string {
  const { statusCode = 400 } = error
  const { head, body } = errorAnswer(error)
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n${lines}${fields}connection: close\r\n\r\n${body}`
}

/** The form that Fastify gives to errors. */
export function errorAnswer ({ code, message, statusCode = 400 }: FastifyError): { head: Record<string, string>, body: string } {
  const body = JSON.stringify({ statusCode, code, error: STATUS_CODES[statusCode] ?? '', message })
  return { head: { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(body)) }, body }
}

function errorFor ({ code, reason, message, rawPacket }: ParseError, socket: Socket): FastifyError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ClientTimeoutError('send the head of its request', 'CLIENT_HEADERS_TIMEOUT_MS')
  const isFirstPacket = Buffer.isBuffer(rawPacket) && rawPacket.length === socket.bytesRead
  const start = isFirstPacket ? rawPacket.toString('latin1', 0, LINE_LIMIT) : ''
  if (code === 'HPE_HEADER_OVERFLOW') {
    return isFirstPacket && !start.trimStart().includes('\n') ? new TargetTooLongError() : new HeadTooLargeError('MAX_HEADER_BYTES')
  }
  const line = REQUEST_LINE.exec(start)
  if (line !== null && code === 'HPE_INVALID_METHOD' && !KNOWN_METHODS.has(line[1] ?? '')) return new MethodUnknownError()
  if (line !== null && code === 'HPE_INVALID_VERSION') return new VersionUnsupportedError()
  return new RequestMalformedError(reason ?? message)
}

function ignore (): void {}
