/** When a server that says Retry-After wants to be asked again (RFC 9110, section 10.2.3): after so many seconds, or at a date. */

const MS_PER_S = 1_000
const SECONDS = /^[0-9]+$/

const TIME = '[0-9]{2}:[0-9]{2}:[0-9]{2}'
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'

/** The date as RFC 9110, section 5.6.7, has it; its two obsolete forms are read as well. */
const DATES = [
  new RegExp(`^${DAY}, [0-9]{2} ${MONTH} [0-9]{4} ${TIME} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [0-9]{2}-${MONTH}-[0-9]{2} ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} [ 0-9][0-9] ${TIME} [0-9]{4}$`)
]

/** The time to wait from `nowMs` (since the epoch) on, in ms, 0 or more; undefined for what is neither. */
export function retryAfterMs (value: string, nowMs: number): number | undefined {
  const text = value.trim()
  if (SECONDS.test(text)) return Math.min(Number.MAX_SAFE_INTEGER, Number(text) * MS_PER_S)
  if (!DATES.some((date) => date.test(text))) return undefined
  // asctime has no zone: it is meant in GMT like the others.
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
