/** Every error of Fastlancer: one code a cause, named in logs and in the JSON body of an answer. */
import createError from '@fastify/error'

/** Start: one or more configuration values cannot be used. The message lists every fault. */
export const ConfigInvalidError = createError<[string]>('FL_CONFIG_INVALID', 'Invalid configuration:\n%s', 500)

/** Start: the extensions in PLUGINS_DIR could not be loaded. */
export const ExtensionsFailedError = createError<[string, string]>(
  'FL_EXTENSIONS_FAILED', 'The plugins in PLUGINS_DIR "%s" could not be loaded: %s', 500)

/** Start: an address cannot be listened on. */
export const ListenFailedError = createError<[string, string]>('FL_LISTEN_FAILED', 'Cannot listen on %s: %s', 500)

/** Code: a counter was asked for beyond the capacity the shared slots were made with. */
export const SlotsExhaustedError = createError<[number]>(
  'FL_SLOTS_EXHAUSTED', 'The shared counters hold %d backends: create them with a larger capacity', 500)

/** 502: no backend of the pool is available, or every available one was tried. */
export const NoBackendAvailableError = createError<[string]>(
  'FL_NO_BACKEND_AVAILABLE',
  'No backend of pool "%s" is available: check that the backends run and answer their health probes with 200', 502)

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

/** 400: the request breaks a rule of HTTP in a way that shows when it is to be forwarded. */
export const RequestNotForwardableError = createError<[string]>(
  'FL_REQUEST_NOT_FORWARDABLE', 'The request cannot be forwarded: %s', 400)

/** 400: the target cannot be forwarded by this gateway. */
export const TargetNotForwardableError = createError<[string]>(
  'FL_TARGET_NOT_FORWARDABLE', 'The request target "%s" cannot be forwarded: send a path that starts with "/"', 400)
