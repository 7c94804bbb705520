/** Whether a Content-Type can be read as a media type (RFC 9110, section 8.3.1). Backends and clients may send anything. */

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

/** Most answers have the type of the one before. */
let lastGood: string | undefined

export function isMediaType (contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  if (contentType === lastGood) return true
  if (!MEDIA_TYPE.test(contentType)) return false
  lastGood = contentType
  return true
}
