/** The named indices into the shared counters. */

/** Cursors: one 32-bit word each, advanced atomically by every thread. */
export const CURSOR_ROUND_ROBIN = 0
export const CURSOR_RETRY = 1
export const CURSOR_SLOTS = 2

/** Totals of a backend: one 64-bit float each, a row a thread (2^53 counts are exact). */
export const TOTAL_REQUESTS = 0
export const TOTAL_FAILURES = 1
export const TOTAL_SLOTS = 2
