/** Where the body of a request is read from. */
import { Readable } from 'node:stream'
import type { RawRequest } from '../client/client-side.ts'
import { BodyNotForwardableError } from '../errors.ts'

/** What the hooks left, else the client; undefined if there is none. Throws for what cannot be sent. */
export function bodySource (raw: RawRequest, body: unknown, hasBody: boolean): Readable | undefined {
  if (body === raw) return hasBody ? raw : undefined
  if (body instanceof Readable) return body
  if (typeof body === 'string' || Buffer.isBuffer(body)) return Readable.from([Buffer.from(body)])
  if (body !== undefined && body !== null) throw new BodyNotForwardableError(typeof body)
  return hasBody ? raw : undefined
}
