/**
 * `POST /-/drain` and `POST /-/undrain` of the admin side, with `{ "backend": URL }`: a backend gets no new request, or gets some again. The
 * answer is what the status says of it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseBackendList, redact } from '../src/config/backend-list.ts'
import { AdminBodyInvalidError, AdminCrossSiteError, AdminMediaTypeError, BackendUnknownError } from '../src/errors.ts'
import type { Backend } from '../src/pool/backend.ts'
import type { Pool } from '../src/pool/pool.ts'
import { crossSiteReason } from '../src/wire/cross-site.ts'

export interface AdminDrainOptions {
  readonly pool: Pool
}

const MAX_BODY_BYTES = 16 * 1024

/** Further ones are not listed in an answer. */
const MAX_NAMED = 10

const REASON = 'asked for on the admin side'

/** Not to be wrapped: what it adds holds for its own routes alone. */
export default async function adminDrain (side: FastifyInstance, { pool }: AdminDrainOptions): Promise<void> {
  side.addHook('onRequest', async ({ headers }: FastifyRequest) => {
    const reason = crossSiteReason(headers)
    if (reason !== undefined) throw new AdminCrossSiteError(reason)
    // A page of another site may send anything else without asking first.
    if (!/^application\/json *(?:;|$)/i.test(headers['content-type'] ?? '')) throw new AdminMediaTypeError()
  })
  side.post('/-/drain', { bodyLimit: MAX_BODY_BYTES }, async ({ body }) => {
    const backend = named(pool, body)
    pool.verdicts.drain(backend, `draining: ${REASON}`, Date.now())
    return backend.status()
  })
  side.post('/-/undrain', { bodyLimit: MAX_BODY_BYTES }, async ({ body }) => {
    const backend = named(pool, body)
    pool.verdicts.undrain(backend, `draining no more: ${REASON}`, Date.now())
    return backend.status()
  })
}

/** The backend that a body names, however its origin is spelt. Of several in one text none is meant: whoever names two waits for both. */
function named (pool: Pool, body: unknown): Backend {
  const url = typeof body === 'object' && body !== null && 'backend' in body ? body.backend : undefined
  if (typeof url !== 'string') throw new AdminBodyInvalidError()
  const { backends, faults } = parseBackendList(url)
  const [listed] = backends
  const isOne = backends.length === 1 && faults.length === 0
  const backend = isOne ? pool.backends.find((one) => one.url === listed?.url) : undefined
  if (backend === undefined) throw new BackendUnknownError(redact(url), namesOf(pool))
  return backend
}

function namesOf ({ backends }: Pool): string {
  const names = backends.slice(0, MAX_NAMED).map(({ url }) => url).join(', ')
  return backends.length > MAX_NAMED ? `${names} and others (/-/status lists all)` : names
}
