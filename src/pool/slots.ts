/** The named indices into the shared counters. */

/** Cursors: one 32-bit word each, advanced atomically by every thread. */
export const CURSOR_ROUND_ROBIN = 0
export const CURSOR_RETRY = 1
export const CURSOR_SLOTS = 2

/** Totals of a backend: one 64-bit float each, a row a thread (2^53 counts are exact). */
export const TOTAL_REQUESTS = 0
export const TOTAL_FAILURES = 1
/** Whole answers whose status counts as a failure (EJECT_STATUSES). */
export const TOTAL_BAD_ANSWERS = 2
/** Attempts that were not the first ones for their requests. */
export const TOTAL_RETRIES = 3
export const TOTAL_SLOTS = 4

/** Gauges of the gateway as a whole. */
export const GAUGE_CONNECTIONS = 0
/** Requests that wait for a place at a backend. */
export const GAUGE_WAITING = 1
export const GATEWAY_GAUGES = 2

/** Why a backend is not available: bits of its word on the board, each written by whoever finds it out. */
export const REASON_DOWN = 1
/** Taken out for a time because of its answers. */
export const REASON_EJECTED = 1 << 1
/** It gets no new request; those in flight finish: somebody has said so. */
export const REASON_DRAINING = 1 << 2
/** As many attempts are in flight as it may have. */
export const REASON_FULL = 1 << 3
/** It has asked to be drained itself, in an answer. */
export const REASON_DRAIN_SELF = 1 << 4

/** Those that let it finish what it has: asked for by somebody else, and by itself. */
export const REASONS_OF_DRAINING = REASON_DRAINING | REASON_DRAIN_SELF

/** Those that are somebody's opinion of its health: in a panic they are not believed. */
export const REASONS_OF_HEALTH = REASON_DOWN | REASON_EJECTED

/** What else is noted there, without making it unavailable: a probe has judged the backend. */
export const NOTE_JUDGED = 1 << 30
/** It was ejected, and has to show that it is well: it gets a few attempts at a time. */
export const NOTE_TRIAL = 1 << 29
export const NOTES = NOTE_JUDGED | NOTE_TRIAL
