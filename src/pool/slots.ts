/** The named indices into the shared counters. */

/** Cursors: one 32-bit word each, advanced atomically by every thread. */
export const CURSOR_ROUND_ROBIN = 0
export const CURSOR_RETRY = 1
export const CURSOR_SLOTS = 2

/** Totals of a backend: one 64-bit float each, a row a thread (2^53 counts are exact). */
export const TOTAL_REQUESTS = 0
export const TOTAL_FAILURES = 1
export const TOTAL_SLOTS = 2

/** Gauges of the gateway as a whole. */
export const GAUGE_CONNECTIONS = 0
export const GATEWAY_GAUGES = 1

/** Why a backend is not available: bits of its word on the board, each written by whoever finds it out. */
export const REASON_DOWN = 1

/** What else is noted there: a probe has judged the backend. It does not make it unavailable. */
export const NOTE_JUDGED = 1 << 30
