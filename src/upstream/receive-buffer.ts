/**
 * Where an upstream connection's bytes are read into. Nearly all answers come whole in one read and are text a moment later:
 * one buffer serves all connections of a thread for that. A body that goes on gets buffers of its own, which are passed on as
 * they are; a small part of one is copied, so that it does not hold the rest.
 */

/** As much as one read gives. */
const READ_BYTES = 64 * 1024

/** A part that fills its buffer less than this is copied, in bytes. */
const WORTH_ITS_BUFFER_BYTES = READ_BYTES / 2

/** What is in it is valid until the next read of any connection. */
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES)

export class ReceiveBuffer {
  #current = SHARED
  /** Whether somebody keeps the current one. */
  #isGiven = false

  /** The buffer of the next read. `goesOn`: whether a body is expected in it. */
  next (goesOn: boolean): Buffer {
    if (!goesOn) this.#current = SHARED
    else if (this.#isGiven || this.#current === SHARED) this.#current = Buffer.allocUnsafeSlow(READ_BYTES)
    this.#isGiven = false
    return this.#current
  }

  /** A part of what was read, for somebody who keeps it. */
  keep (part: Buffer): Buffer {
    if (this.#current === SHARED || part.length < WORTH_ITS_BUFFER_BYTES) return Buffer.from(part)
    this.#isGiven = true
    return part
  }
}
