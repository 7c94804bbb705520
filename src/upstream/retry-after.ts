/** When a server that says Retry-After wants to be asked again (RFC 9110, section 10.2.3): after so many seconds, or at a date. */

const MS_PER_S = 1_000
const SECONDS = /^[0-9]{1,9}$/

/** The date as RFC 9110, section 5.6.7, has it; its two obsolete forms are read as well. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

/** The time to wait from `nowMs` (since the epoch) on, in ms, not below 0; undefined for what is neither. */
export function retryAfterMs (value: string, nowMs: number): number | undefined {
  const text = value.trim()
  if (SECONDS.test(text)) return Number(text) * MS_PER_S
  if (!DATE.test(text)) return undefined
  // asctime has no zone: it is meant in GMT like the others.
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
