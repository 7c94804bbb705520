/** The request target (RFC 9112, section 3.2), as it goes to a backend. */
import { PathAmbiguousError, TargetInvalidError, TargetTooLongError } from '../errors.ts'
import { isValidHost } from '../wire/host.ts'
import { isAmbiguousPath } from '../wire/path-policy.ts'

export interface Target {
  /** Path and query, byte for byte as the client sent them, or `*`. */
  readonly path: string
  /** The authority of a target in absolute form: it takes the place of Host (RFC 9112, section 3.2.2). */
  readonly authority: string | undefined
}

export interface TargetRules {
  /** The longest target, in bytes. */
  readonly maxTargetBytes: number
  /** `strict` refuses paths that a backend may resolve differently; `pass` forwards every byte. */
  readonly pathPolicy: 'strict' | 'pass'
}

/** Blanks, control characters and all that is not ASCII (RFC 3986): HTTP/2 lets some of it come as far as this. */
const NOT_IN_TARGET = /[^\x21-\x7e]/

const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)([/?].*)?$/is

/** Reads a target; throws one of our errors for one that is not forwarded. */
export function readTarget (method: string, url: string, { maxTargetBytes, pathPolicy }: TargetRules): Target {
  if (url.length > maxTargetBytes) throw new TargetTooLongError()
  if (url.includes('#')) throw new TargetInvalidError('has a fragment')
  const target = url.startsWith('/') ? { path: url, authority: undefined } : otherForm(method, url)
  if (NOT_IN_TARGET.test(target.path)) throw new TargetInvalidError('holds a character that has to be percent-encoded')
  if (pathPolicy === 'strict' && isAmbiguousPath(target.path)) throw new PathAmbiguousError()
  return target
}

/** Throws `FL_TARGET_INVALID` for a target that is neither in origin form nor `*`. */
export function assertPath (url: string): void {
  if (!(url.startsWith('/') || url === '*')) throw new TargetInvalidError('is no path')
}

/** The path that the router gets to see, for any target. */
export function pathOf (url: string): string {
  if (url.startsWith('/')) return url
  if (url === '*') return '/*'
  return pathOfAbsolute(ABSOLUTE_FORM.exec(url)?.[2])
}

function otherForm (method: string, url: string): Target {
  if (url === '*') {
    if (method !== 'OPTIONS') throw new TargetInvalidError('"*" is for OPTIONS alone')
    return { path: '*', authority: undefined }
  }
  const match = ABSOLUTE_FORM.exec(url)
  if (match === null) throw new TargetInvalidError('is neither a path nor a URL of http or https')
  const authority = match[1] ?? ''
  if (!isValidHost(authority)) throw new TargetInvalidError('has no valid host')
  // RFC 9112, section 3.2.4: without path and query it means the server as a whole.
  const path = method === 'OPTIONS' && match[2] === undefined ? '*' : pathOfAbsolute(match[2])
  return { path, authority }
}

function pathOfAbsolute (rest: string | undefined): string {
  if (rest === undefined) return '/'
  return rest.startsWith('/') ? rest : `/${rest}`
}
