/**
 * Keeps the memory of streamed bodies small. Every read of a socket fills a new buffer of up to 64 KiB outside V8's heap, and
 * V8 lets some 64 MiB of dead ones pile up before it collects. A young collection after every few MiB frees them earlier.
 * It needs `node --expose-gc` (as in `npm start`); without it nothing happens.
 */

/** Streamed bytes from one collection to the next. */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024

let streamedBytes = 0

/** Takes note of a chunk that was streamed. */
export function noteStreamed (bytes: number): void {
  streamedBytes += bytes
  if (streamedBytes < COLLECT_EVERY_BYTES) return
  streamedBytes = 0
  globalThis.gc?.({ type: 'minor' })
}
