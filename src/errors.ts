/** Every error of Fastlancer: one code a cause, named in logs and in the JSON body of an answer. */
import createError from '@fastify/error'

/** Start: one or more configuration values cannot be used. The message lists every fault. */
export const ConfigInvalidError = createError<[string]>('FL_CONFIG_INVALID', 'Invalid configuration:\n%s', 500)

/** Start: the extensions in PLUGINS_DIR could not be loaded. */
export const ExtensionsFailedError = createError<[string, string]>(
  'FL_EXTENSIONS_FAILED', 'The plugins in PLUGINS_DIR "%s" could not be loaded: %s', 500)

/** Start: an address cannot be listened on. */
export const ListenFailedError = createError<[string, string]>('FL_LISTEN_FAILED', 'Cannot listen on %s: %s', 500)

/** Start: this system cannot share a port among threads. */
export const WorkersUnsupportedError = createError<[string]>(
  'FL_WORKERS_UNSUPPORTED', 'This system cannot share a port among workers (SO_REUSEPORT: %s): set WORKERS=1, or run it on Linux', 500)

/** Start: none of the workers could be started. The reason is that of the first. */
export const WorkersFailedError = createError<[string]>('FL_WORKERS_FAILED', '%s', 500)

/** Code: a counter was asked for beyond the capacity the shared slots were made with. */
export const SlotsExhaustedError = createError<[number]>(
  'FL_SLOTS_EXHAUSTED', 'The shared counters hold %d backends: create them with a larger capacity', 500)

/** 502: no backend of the pool is available, or every available one was tried. */
export const NoBackendAvailableError = createError<[string]>(
  'FL_NO_BACKEND_AVAILABLE',
  'No backend of pool "%s" is available: check that the backends run and answer their health probes, and that not all are being drained', 502)

/** 503: every backend that is left has as many requests in flight as it may have. */
export const BackendsFullError = createError<[string]>(
  'FL_BACKENDS_FULL', 'All available backends of pool "%s" have as many requests in flight as they may (max of BACKENDS, BACKEND_MAX_IN_FLIGHT), and no more may wait (QUEUE_MAX)', 503)

/** 503: all backends were full for as long as a request may wait. */
export const QueueTimeoutError = createError<[number]>(
  'FL_QUEUE_TIMEOUT', 'No backend had room for the request within %d ms (QUEUE_TIMEOUT_MS): all have as many in flight as they may (max of BACKENDS, BACKEND_MAX_IN_FLIGHT)', 503)

/** 502: an answer was not passed on because of its status, and by the time another backend was to be asked none was left. */
export const AnswerRefusedError = createError<[number]>(
  'FL_ANSWER_REFUSED', 'The backend answered %d (RETRY_STATUSES), and no other one was left when it was to be asked', 502)

/** 504: a backend took longer than ATTEMPT_TIMEOUT_MS to begin its answer. */
export const AttemptTimeoutError = createError<[number]>(
  'FL_ATTEMPT_TIMEOUT', 'The backend did not begin its answer within %d ms (ATTEMPT_TIMEOUT_MS)', 504)

/** Start: POLICY names a policy that is not registered. */
export const PolicyUnknownError = createError<[string, string]>(
  'FL_POLICY_UNKNOWN', 'POLICY: "%s" is not known: it has to be one of %s, or one that a plugin registers with fastify.policies.set', 500)

/** 403, admin side: a page of another site may have made the request. */
export const AdminCrossSiteError = createError<[string]>('FL_ADMIN_CROSS_SITE', 'The admin side does nothing for a request that %s', 403)

/** 415, admin side: the body is not said to be JSON. */
export const AdminMediaTypeError = createError<[]>('FL_ADMIN_MEDIA_TYPE', 'The admin side reads JSON alone: say content-type: application/json', 415)

/** 400, admin side: the body names no backend. */
export const AdminBodyInvalidError = createError<[]>(
  'FL_ADMIN_BODY_INVALID', 'The body does not name a backend: send an object such as {"backend":"http://127.0.0.1:8081"}', 400)

/** 404, admin side: no backend has that URL. */
export const BackendUnknownError = createError<[string, string]>('FL_BACKEND_UNKNOWN', 'There is no backend "%s": give one of %s', 404)

/** 502: no connection to the backend could be opened (refused, unreachable, unknown name, TLS). */
export const UpstreamConnectFailedError = createError<[]>(
  'FL_UPSTREAM_CONNECT_FAILED', 'The connection to the backend could not be opened', 502)

/** 504: the backend did not accept a connection within UPSTREAM_CONNECT_TIMEOUT_MS. */
export const UpstreamConnectTimeoutError = createError<[number]>(
  'FL_UPSTREAM_CONNECT_TIMEOUT', 'The backend did not accept a connection within %d ms (UPSTREAM_CONNECT_TIMEOUT_MS)', 504)

/** 504: the backend did not send the head of its answer within UPSTREAM_HEADERS_TIMEOUT_MS. */
export const UpstreamHeadersTimeoutError = createError<[number]>(
  'FL_UPSTREAM_HEADERS_TIMEOUT', 'The backend did not start to answer within %d ms (UPSTREAM_HEADERS_TIMEOUT_MS)', 504)

/** 504 when nothing was relayed yet, else a cut: the backend fell silent within its answer. */
export const UpstreamIdleTimeoutError = createError<[number]>(
  'FL_UPSTREAM_IDLE_TIMEOUT', 'The backend fell silent within its answer for %d ms (UPSTREAM_IDLE_TIMEOUT_MS)', 504)

/** 502: the backend closed or reset the connection before its answer was complete. */
export const UpstreamResetError = createError<[]>(
  'FL_UPSTREAM_RESET', 'The backend closed the connection before its answer was complete', 502)

/** 502: the backend's answer breaks HTTP, or cannot be relayed. */
export const UpstreamBadResponseError = createError<[]>(
  'FL_UPSTREAM_BAD_RESPONSE', 'The answer of the backend is not valid HTTP', 502)

/** 500: a hook replaced the request's body by something that cannot be forwarded. */
export const BodyNotForwardableError = createError<[string]>(
  'FL_BODY_NOT_FORWARDABLE',
  'A hook replaced the body of the request by a value of type %s: make it a stream, a Buffer or a string', 500)

/** 502: the backend refused a stream of HTTP/2 unprocessed, and so did every other backend. */
export const UpstreamRefusedError = createError<[]>(
  'FL_UPSTREAM_REFUSED', 'The backend refused the request without having looked at it', 502)

/** 504: request and answer together took longer than REQUEST_TIMEOUT_MS. */
export const RequestTimeoutError = createError<[number]>(
  'FL_REQUEST_TIMEOUT', 'The request was not answered within %d ms (REQUEST_TIMEOUT_MS)', 504)

/** 400: the parser refused what the client sent; the connection is closed. */
export const RequestMalformedError = createError<[string]>('FL_REQUEST_MALFORMED', 'The request is not valid HTTP/1.1: %s', 400)

/** 400: the framing of the request's body is not beyond doubt. */
export const FramingInvalidError = createError<[string]>('FL_FRAMING_INVALID', 'The length of the request is not beyond doubt: %s', 400)

/** 400: Host is missing, given twice, or not a host. */
export const HostInvalidError = createError<[string]>('FL_HOST_INVALID', 'The Host of the request %s: send one Host, a name or an address with or without a port', 400)

/** 400: the target cannot be forwarded by this gateway. */
export const TargetInvalidError = createError<[string]>(
  'FL_TARGET_INVALID', 'The request target %s: send a path that starts with "/"', 400)

/** 400: PATH_POLICY is strict, and the path could be read in two ways. */
export const PathAmbiguousError = createError<[]>(
  'FL_PATH_AMBIGUOUS', 'The path holds a dot segment, a backslash or an encoded NUL, which a backend may resolve differently: send the path that is meant', 400)

/** 405: a method that is not forwarded. */
export const MethodNotAllowedError = createError<[string]>('FL_METHOD_NOT_ALLOWED', 'The method %s is not forwarded by this gateway', 405)

/** 408: the client took too long over the head or the body of its request. */
export const ClientTimeoutError = createError<[string, string]>(
  'FL_CLIENT_TIMEOUT', 'The client took too long to %s (%s)', 408)

/** 413: the body is larger than MAX_BODY_BYTES. */
export const BodyTooLargeError = createError<[number]>(
  'FL_BODY_TOO_LARGE', 'The body of the request is larger than %d bytes (MAX_BODY_BYTES)', 413)

/** 414: the target is longer than MAX_TARGET_BYTES. */
export const TargetTooLongError = createError<[]>('FL_TARGET_TOO_LONG', 'The request target is too long (MAX_TARGET_BYTES)', 414)

/** 417: an expectation other than 100-continue. */
export const ExpectationFailedError = createError<[]>(
  'FL_EXPECTATION_FAILED', 'The expectation of the request cannot be met: Expect may hold 100-continue alone', 417)

/** 431: the head of the request is too large, or has too many fields. */
export const HeadTooLargeError = createError<[string]>('FL_HEAD_TOO_LARGE', 'The head of the request is too large (%s)', 431)

/** 501: a method that is not known. */
export const MethodUnknownError = createError<[]>('FL_METHOD_UNKNOWN', 'The method of the request is not known to this gateway', 501)

/** 501: a transfer coding besides chunked. */
export const CodingUnknownError = createError<[]>(
  'FL_CODING_UNKNOWN', 'The transfer coding of the request is not known to this gateway: send chunked alone, or a Content-Length', 501)

/** 503: MAX_CONNECTIONS are open. */
export const ConnectionsExhaustedError = createError<[]>(
  'FL_CONNECTIONS_EXHAUSTED', 'The gateway has as many connections open as it may (MAX_CONNECTIONS)', 503)

/** 503: the gateway has more to do than it can, and serves what it has begun. */
export const OverloadedError = createError<[string]>('FL_OVERLOADED', 'The gateway is overloaded: %s: try again later', 503)

/** 505: a version of HTTP that is not spoken here. */
export const VersionUnsupportedError = createError<[]>('FL_VERSION_UNSUPPORTED', 'This gateway speaks HTTP/1.0, HTTP/1.1 and HTTP/2', 505)
