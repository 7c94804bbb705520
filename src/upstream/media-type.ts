/** Whether a Content-Type can be read as a media type (RFC 9110, section 8.3.1). Backends and clients may send anything. */

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

export function isMediaType (contentType: string | undefined): boolean {
  return contentType !== undefined && MEDIA_TYPE.test(contentType)
}
