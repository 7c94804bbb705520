/** The body of an answer: who gave it, and to what. An answer that went to the wrong request, or was cut or mixed up, shows. */

/** Makes a body of about 1 KiB: it has a middle that can be cut. */
const FILLER = 'x'.repeat(1_000)

export function bodyOf (backend: string, path: string): string {
  return `${backend} ${path}\n${FILLER}\n`
}

/** The backend whose answer to `path` this is; undefined if it is nobody's. */
export function backendOf (body: string, path: string): string | undefined {
  const backend = body.slice(0, Math.max(0, body.indexOf(' ')))
  return backend !== '' && body === bodyOf(backend, path) ? backend : undefined
}
