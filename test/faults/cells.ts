/** What happens when something goes wrong: one entry for each point of an exchange and each fault. The tests play them; docs/reference/faults.md is made of them. */

export type Fault = 'refused' | 'reset' | 'end' | 'stall' | 'garbage'

/** What the gateway does after a failed attempt, as in its log; undefined: no attempt failed. */
export type Retry = 'no' | 'other-backend' | 'same-backend' | undefined

/** What one request comes to. */
export interface Outcome {
  /** What the client gets; `200, cut`: a head, and a body that does not look whole. */
  readonly client: '200' | '502' | '504' | '200, cut'
  readonly retry: Retry
  /** What is counted for the backend that fails: attempts, and failures among them. */
  readonly requests: number
  readonly failures: number
}

/** Where an exchange stands when the backend fails. */
export type BackendPoint = keyof typeof BACKEND_POINTS

export interface BackendCell {
  readonly at: BackendPoint
  readonly fault: Fault
  /** An idempotent request (GET, or PUT for an upload) while another backend is there. */
  readonly idempotent: Outcome
  /** A POST, the same. */
  readonly post: Outcome
  /** What the client gets of the first if there is no other backend. */
  readonly alone: Outcome['client']
  /** Code and cause of the log line "proxy error"; the cause holds this text. undefined: there is no such line. */
  readonly log: readonly [code: string, cause: string] | undefined
  readonly why: string
}

export type ClientPoint = keyof typeof CLIENT_POINTS

export interface ClientCell {
  readonly at: ClientPoint
  readonly fault: Exclude<Fault, 'refused'>
  /** All that the client gets from then on, statuses in order. */
  readonly client: 'nothing' | '200' | '400' | '408' | '200, 400' | '200, cut'
  /** Whether the gateway closes the connection then. */
  readonly closes: boolean
  /** The code that is logged; undefined: none. */
  readonly code: string | undefined
  /** The line of the access log with its status; undefined: none. */
  readonly access: readonly [message: 'request' | 'client gone' | 'answer cut', status: number] | undefined
  /** What the backend gets: nothing, a part, or the whole request. */
  readonly backend: 'nothing' | 'a part' | 'all'
  readonly why: string
}

/** As people read them. */
export const FAULTS: Readonly<Record<Fault, string>> = {
  refused: 'refused', reset: 'reset (RST)', end: 'half-close (FIN)', stall: 'stall', garbage: 'garbage'
}

export const BACKEND_POINTS = {
  connect: 'before a byte is read',
  expect: 'after the head of a request whose body waits to be asked for (Expect)',
  upload: 'within an upload, up to 64 KiB of it read',
  largeUpload: 'within an upload, more of it read',
  request: 'after the request, before its answer',
  head: 'within the head of the answer',
  body: 'between the head and the body',
  length: 'within a body with a length',
  chunked: 'within a chunked body',
  close: 'within a body that ends with the connection',
  idle: 'on the idle connection, before the next request',
  stale: 'on a kept connection, as the next request arrives'
} as const

export const CLIENT_POINTS = {
  head: 'within the head',
  body: 'within the body',
  waiting: 'while it waits for the answer',
  answer: 'while it gets the answer',
  idle: 'between two requests'
} as const

const SERVED: Outcome = { client: '200', retry: undefined, requests: 1, failures: 0 }
const ELSEWHERE: Outcome = { client: '200', retry: 'other-backend', requests: 1, failures: 1 }
const BAD_GATEWAY: Outcome = { client: '502', retry: 'no', requests: 1, failures: 1 }
const TOO_SLOW: Outcome = { client: '504', retry: 'no', requests: 1, failures: 1 }
const CUT: Outcome = { client: '200, cut', retry: 'no', requests: 1, failures: 1 }
const SERVED_AGAIN: Outcome = { client: '200', retry: undefined, requests: 2, failures: 0 }
const ANEW: Outcome = { client: '200', retry: 'same-backend', requests: 3, failures: 0 }
const BAD_GATEWAY_AGAIN: Outcome = { client: '502', retry: 'no', requests: 2, failures: 0 }

const RESET = 'FL_UPSTREAM_RESET'
const BAD = 'FL_UPSTREAM_BAD_RESPONSE'
const HEADERS = 'FL_UPSTREAM_HEADERS_TIMEOUT'
const IDLE = 'FL_UPSTREAM_IDLE_TIMEOUT'

const MAY_HAVE_ACTED = 'the backend may have acted on it: only what is idempotent is sent twice'
const HEAD_IS_OUT = 'the client has the head: the rest cannot come from elsewhere'

export const BACKEND_CELLS: readonly BackendCell[] = [
  { at: 'connect', fault: 'refused', idempotent: ELSEWHERE, post: ELSEWHERE, alone: '502', log: ['FL_UPSTREAM_CONNECT_FAILED', 'ECONNREFUSED'], why: 'nothing was sent' },
  { at: 'connect', fault: 'reset', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, ''], why: 'the request was on its way, and the gateway cannot know how far it came; a reset before that is a connection refused' },
  { at: 'connect', fault: 'end', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed before the answer'], why: 'the same' },
  { at: 'connect', fault: 'stall', idempotent: ELSEWHERE, post: ELSEWHERE, alone: '504', log: ['FL_UPSTREAM_CONNECT_TIMEOUT', ''], why: 'nothing was sent (UPSTREAM_CONNECT_TIMEOUT_MS)' },
  { at: 'connect', fault: 'garbage', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [BAD, 'does not begin with HTTP/1'], why: 'it comes in the place of an answer' },

  { at: 'expect', fault: 'reset', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'ECONNRESET'], why: MAY_HAVE_ACTED },
  { at: 'expect', fault: 'end', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed before the answer'], why: MAY_HAVE_ACTED },
  { at: 'expect', fault: 'stall', idempotent: ELSEWHERE, post: TOO_SLOW, alone: '504', log: [HEADERS, ''], why: 'after a second the gateway asks for the body itself; the time of the backend counts from there' },
  { at: 'expect', fault: 'garbage', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [BAD, 'does not begin with HTTP/1'], why: MAY_HAVE_ACTED },

  { at: 'upload', fault: 'reset', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'ECONNRESET'], why: 'what was read of the body is kept, and sent again' },
  { at: 'upload', fault: 'end', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed before the answer'], why: 'the same' },
  { at: 'upload', fault: 'stall', idempotent: ELSEWHERE, post: TOO_SLOW, alone: '504', log: [HEADERS, ''], why: 'the time of the backend counts from the last part of the body; it is not blamed for a client that stalls' },
  { at: 'upload', fault: 'garbage', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [BAD, 'does not begin with HTTP/1'], why: 'what was read of the body is kept, and sent again' },

  { at: 'largeUpload', fault: 'reset', idempotent: BAD_GATEWAY, post: BAD_GATEWAY, alone: '502', log: [RESET, ''], why: 'the beginning of the body is not there any more' },
  { at: 'largeUpload', fault: 'end', idempotent: BAD_GATEWAY, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed before the answer'], why: 'the same' },
  { at: 'largeUpload', fault: 'stall', idempotent: TOO_SLOW, post: TOO_SLOW, alone: '504', log: [HEADERS, ''], why: 'the same; a backend that takes nothing more has the time of one that does not answer' },
  { at: 'largeUpload', fault: 'garbage', idempotent: BAD_GATEWAY, post: BAD_GATEWAY, alone: '502', log: [BAD, 'does not begin with HTTP/1'], why: 'the same' },

  { at: 'request', fault: 'reset', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'ECONNRESET'], why: MAY_HAVE_ACTED },
  { at: 'request', fault: 'end', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed before the answer'], why: MAY_HAVE_ACTED },
  { at: 'request', fault: 'stall', idempotent: ELSEWHERE, post: TOO_SLOW, alone: '504', log: [HEADERS, ''], why: `${MAY_HAVE_ACTED} (UPSTREAM_HEADERS_TIMEOUT_MS)` },
  { at: 'request', fault: 'garbage', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [BAD, 'does not begin with HTTP/1'], why: MAY_HAVE_ACTED },

  { at: 'head', fault: 'reset', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'ECONNRESET'], why: 'nothing of the answer was passed on' },
  { at: 'head', fault: 'end', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [RESET, 'closed in the middle of the answer'], why: 'the same' },
  { at: 'head', fault: 'stall', idempotent: ELSEWHERE, post: TOO_SLOW, alone: '504', log: [HEADERS, ''], why: 'the same (UPSTREAM_HEADERS_TIMEOUT_MS, for the head as a whole)' },
  { at: 'head', fault: 'garbage', idempotent: ELSEWHERE, post: BAD_GATEWAY, alone: '502', log: [BAD, 'control character'], why: 'the same' },

  { at: 'body', fault: 'reset', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'ECONNRESET'], why: HEAD_IS_OUT },
  { at: 'body', fault: 'end', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'closed in the middle of the answer'], why: HEAD_IS_OUT },
  { at: 'body', fault: 'stall', idempotent: CUT, post: CUT, alone: '200, cut', log: [IDLE, ''], why: `${HEAD_IS_OUT} (UPSTREAM_IDLE_TIMEOUT_MS)` },
  { at: 'body', fault: 'garbage', idempotent: CUT, post: CUT, alone: '200, cut', log: [BAD, 'a chunk without a size'], why: 'it comes in the place of a chunk; with a length it would be the body' },

  { at: 'length', fault: 'reset', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'ECONNRESET'], why: HEAD_IS_OUT },
  { at: 'length', fault: 'end', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'closed in the middle of the answer'], why: HEAD_IS_OUT },
  { at: 'length', fault: 'stall', idempotent: CUT, post: CUT, alone: '200, cut', log: [IDLE, ''], why: `${HEAD_IS_OUT} (UPSTREAM_IDLE_TIMEOUT_MS)` },
  { at: 'length', fault: 'garbage', idempotent: SERVED, post: SERVED, alone: '200', log: undefined, why: 'it is the body as far as the length goes; what comes behind that belongs to nobody, and the connection is not used again' },

  { at: 'chunked', fault: 'reset', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'ECONNRESET'], why: HEAD_IS_OUT },
  { at: 'chunked', fault: 'end', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'closed in the middle of the answer'], why: HEAD_IS_OUT },
  { at: 'chunked', fault: 'stall', idempotent: CUT, post: CUT, alone: '200, cut', log: [IDLE, ''], why: `${HEAD_IS_OUT} (UPSTREAM_IDLE_TIMEOUT_MS)` },
  { at: 'chunked', fault: 'garbage', idempotent: CUT, post: CUT, alone: '200, cut', log: [BAD, 'a chunk without a size'], why: HEAD_IS_OUT },

  { at: 'close', fault: 'reset', idempotent: CUT, post: CUT, alone: '200, cut', log: [RESET, 'ECONNRESET'], why: 'a reset is no end of such a body' },
  { at: 'close', fault: 'end', idempotent: SERVED, post: SERVED, alone: '200', log: undefined, why: 'it is the end of the body' },
  { at: 'close', fault: 'stall', idempotent: CUT, post: CUT, alone: '200, cut', log: [IDLE, ''], why: `${HEAD_IS_OUT} (UPSTREAM_IDLE_TIMEOUT_MS)` },

  { at: 'idle', fault: 'reset', idempotent: SERVED_AGAIN, post: SERVED_AGAIN, alone: '200', log: undefined, why: 'the next request goes over a new connection' },
  { at: 'idle', fault: 'end', idempotent: SERVED_AGAIN, post: SERVED_AGAIN, alone: '200', log: undefined, why: 'the same' },
  { at: 'idle', fault: 'stall', idempotent: SERVED_AGAIN, post: SERVED_AGAIN, alone: '200', log: undefined, why: 'it is what an idle connection does: the next request goes over it' },
  { at: 'idle', fault: 'garbage', idempotent: SERVED_AGAIN, post: SERVED_AGAIN, alone: '200', log: undefined, why: 'nothing was asked: the connection is closed, and the next request goes over a new one' },

  { at: 'stale', fault: 'reset', idempotent: ANEW, post: BAD_GATEWAY_AGAIN, alone: '200', log: [RESET, 'ECONNRESET'], why: 'that says nothing of the backend: once more over a new connection. A POST goes over a connection used within the last second, or a new one' },
  { at: 'stale', fault: 'end', idempotent: ANEW, post: BAD_GATEWAY_AGAIN, alone: '200', log: [RESET, 'closed before the answer'], why: 'the same' }
]

const TIMEOUT = 'FL_CLIENT_TIMEOUT'
const MALFORMED = 'FL_REQUEST_MALFORMED'

export const CLIENT_CELLS: readonly ClientCell[] = [
  { at: 'head', fault: 'reset', client: 'nothing', closes: true, code: undefined, access: undefined, backend: 'nothing', why: 'there is no request yet' },
  { at: 'head', fault: 'end', client: 'nothing', closes: true, code: undefined, access: undefined, backend: 'nothing', why: 'no request will come of it' },
  { at: 'head', fault: 'stall', client: '408', closes: true, code: TIMEOUT, access: undefined, backend: 'nothing', why: 'CLIENT_HEADERS_TIMEOUT_MS' },
  { at: 'head', fault: 'garbage', client: '400', closes: true, code: MALFORMED, access: undefined, backend: 'nothing', why: 'what follows cannot be told apart' },

  { at: 'body', fault: 'reset', client: 'nothing', closes: true, code: undefined, access: ['client gone', 499], backend: 'a part', why: 'the attempt ends at once; the backend never sees an end of the body' },
  { at: 'body', fault: 'end', client: 'nothing', closes: true, code: undefined, access: ['client gone', 499], backend: 'a part', why: 'the rest of the body will not come' },
  { at: 'body', fault: 'stall', client: '408', closes: true, code: TIMEOUT, access: ['request', 408], backend: 'a part', why: 'CLIENT_BODY_TIMEOUT_MS' },
  { at: 'body', fault: 'garbage', client: '400', closes: true, code: MALFORMED, access: ['request', 400], backend: 'a part', why: 'it comes in the place of a chunk' },

  { at: 'waiting', fault: 'reset', client: 'nothing', closes: true, code: undefined, access: ['client gone', 499], backend: 'all', why: 'nobody wants the answer any more: the upstream connection is closed' },
  { at: 'waiting', fault: 'end', client: '200', closes: true, code: undefined, access: ['request', 200], backend: 'all', why: 'it has ended its side, and still reads' },
  { at: 'waiting', fault: 'stall', client: '200', closes: false, code: undefined, access: ['request', 200], backend: 'all', why: 'it is what a client does that waits' },
  { at: 'waiting', fault: 'garbage', client: '200, 400', closes: true, code: MALFORMED, access: ['request', 200], backend: 'all', why: 'the answer that is owed comes first' },

  { at: 'answer', fault: 'reset', client: 'nothing', closes: true, code: undefined, access: ['client gone', 200], backend: 'all', why: 'the upstream connection is closed at once' },
  { at: 'answer', fault: 'end', client: '200', closes: true, code: undefined, access: ['request', 200], backend: 'all', why: 'it still reads' },
  { at: 'answer', fault: 'stall', client: '200, cut', closes: true, code: TIMEOUT, access: ['answer cut', 200], backend: 'all', why: 'CLIENT_SEND_TIMEOUT_MS; until then the backend has to wait' },
  { at: 'answer', fault: 'garbage', client: '200, 400', closes: true, code: MALFORMED, access: ['request', 200], backend: 'all', why: 'the answer goes on to its end' },

  { at: 'idle', fault: 'reset', client: 'nothing', closes: true, code: undefined, access: undefined, backend: 'nothing', why: 'there is nothing to do' },
  { at: 'idle', fault: 'end', client: 'nothing', closes: true, code: undefined, access: undefined, backend: 'nothing', why: 'no request will come any more' },
  { at: 'idle', fault: 'stall', client: 'nothing', closes: true, code: undefined, access: undefined, backend: 'nothing', why: 'CLIENT_KEEP_ALIVE_TIMEOUT_MS' },
  { at: 'idle', fault: 'garbage', client: '400', closes: true, code: MALFORMED, access: undefined, backend: 'nothing', why: 'it comes in the place of a request' }
]
