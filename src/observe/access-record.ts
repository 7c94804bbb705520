/** What the access log says of a request. */

/** What is known of the work that was done upstream. */
export interface UpstreamWork {
  readonly backend: { readonly url: string } | undefined
  readonly attempts: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly upstreamMs: number | undefined
}

export interface RequestFacts {
  readonly method: string
  /** The target as the client sent it. */
  readonly url: string
  readonly status: number
  /** The client's address. */
  readonly client: string
  /** From the head of the request to the last byte of the answer, in ms. */
  readonly ms: number
  /** Null for a request that was not proxied. */
  readonly work: UpstreamWork | null
}

/** One line of the access log. Times are in ms, rounded to microseconds; bytes are those of the bodies. */
export function accessRecord ({ work, ...facts }: RequestFacts): Record<string, unknown> {
  const { method, url, status, client } = facts
  const record: Record<string, unknown> = { method, url, status, client, ms: rounded(facts.ms) }
  if (work === null) return record
  return {
    ...record,
    backend: work.backend?.url ?? null,
    attempts: work.attempts,
    requestBytes: work.requestBytes,
    responseBytes: work.responseBytes,
    upstreamMs: work.upstreamMs === undefined ? null : rounded(work.upstreamMs)
  }
}

function rounded (ms: number): number {
  return Math.round(ms * 1000) / 1000
}
