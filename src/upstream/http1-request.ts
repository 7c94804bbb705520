/** The head of a request of HTTP/1.1 (RFC 9112, section 3). Its framing is always written anew. */
import type { UpstreamRequest } from './carrier.ts'
import { RequestBody } from './request-body.ts'

/** The head as text, latin1. `authority` is the backend's own: the Host of a request that has none. */
export function requestHead (request: UpstreamRequest, authority: string): string {
  const { method, target, host, fields, added, requestId, expectsContinue, upgrade, wantsTrailers } = request
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host ?? authority}\r\n`
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`
  head += added.text
  if (requestId !== undefined) head += `x-request-id: ${requestId}\r\n`
  if (expectsContinue) head += 'expect: 100-continue\r\n'
  if (upgrade !== undefined) head += `connection: upgrade${wantsTrailers ? ', te' : ''}\r\nupgrade: ${upgrade}\r\n`
  else if (wantsTrailers) head += 'connection: te\r\n'
  // RFC 9110, section 10.1.4: TE comes with its name in Connection.
  if (wantsTrailers) head += 'te: trailers\r\n'
  return `${head}${framing(request)}\r\n`
}

function framing ({ body, method }: UpstreamRequest): string {
  if (body === null) return expectsBody(method) ? 'content-length: 0\r\n' : ''
  if (!(body instanceof RequestBody)) return `content-length: ${body.length}\r\n`
  return body.length === undefined ? 'transfer-encoding: chunked\r\n' : `content-length: ${body.length}\r\n`
}

/** RFC 9110, section 8.6: a method that anticipates content says so when there is none. */
function expectsBody (method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}
