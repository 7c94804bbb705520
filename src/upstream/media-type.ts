/** Whether a Content-Type can be read as a media type (RFC 9110, section 8.3.1). Backends and clients may send anything. */

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

/** Types seen before: most come again and again. */
const known = new Map<string, boolean>()

/** Bounds on what others can make us keep. */
const MAX_KNOWN = 1_000
const MAX_KNOWN_LENGTH = 128

export function isMediaType (contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  const before = known.get(contentType)
  if (before !== undefined) return before
  const is = MEDIA_TYPE.test(contentType)
  if (known.size < MAX_KNOWN && contentType.length <= MAX_KNOWN_LENGTH) known.set(contentType, is)
  return is
}
