/** The request target as it goes to the backend (RFC 9112, section 3.2). */
import { TargetNotForwardableError } from '../errors.ts'

export interface Target {
  /** Path and query, byte for byte as the client sent them. */
  readonly path: string
  /** The authority of a target in absolute form: it takes the place of Host (RFC 9112, section 3.2.2). */
  readonly host?: string
}

/** Throws `FL_TARGET_NOT_FORWARDABLE` for a target that is neither in origin form nor in absolute form. */
export function absoluteTarget (url: string): Target {
  const match = /^https?:\/\/([^/?#@]+)([/?].*)?$/is.exec(url)
  const host = match?.[1]
  if (host === undefined) throw new TargetNotForwardableError(url)
  const rest = match?.[2] ?? '/'
  return { host, path: rest.startsWith('/') ? rest : `/${rest}` }
}
