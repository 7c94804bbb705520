/** Looks at the first bytes of a connection before anybody else does. */
import type { Socket } from 'node:net'
import { Deadline } from '../timing/deadline.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'

/** What is made of the bytes so far: wait for more, or go on after dropping the first `taken` of them. */
export type Verdict = { readonly state: 'more' } | { readonly state: 'done', readonly taken: number }

export interface PeekOptions {
  readonly socket: Socket
  /** Called with all bytes that came so far, whenever some came. */
  readonly judge: (bytes: Buffer) => Verdict
  /** The time that a client has for its first bytes. */
  readonly timeouts: TimeoutQueue
  /** The verdict is there; the bytes that were not taken can be read again. */
  readonly onDone: () => void
  /** Not enough bytes in time. */
  readonly onTimeout: () => void
}

/** Reads until the verdict; a connection that ends or breaks before is closed. */
export function peek ({ socket, judge, timeouts, onDone, onTimeout }: PeekOptions): void {
  let bytes: Buffer | undefined
  const stop = (): void => {
    deadline.clear()
    socket.off('readable', onReadable).off('error', onError).off('end', onEnd).off('close', stop)
  }
  const onReadable = (): void => {
    const chunk: unknown = socket.read()
    if (!Buffer.isBuffer(chunk)) return
    bytes = bytes === undefined ? chunk : Buffer.concat([bytes, chunk])
    const verdict = judge(bytes)
    if (verdict.state === 'more') return
    stop()
    if (verdict.taken < bytes.length) socket.unshift(bytes.subarray(verdict.taken))
    onDone()
  }
  const onError = (): void => { socket.destroy() }
  const onEnd = (): void => { socket.destroy() }
  const deadline = new Deadline(() => {
    stop()
    onTimeout()
  })
  timeouts.start(deadline)
  socket.on('readable', onReadable).on('error', onError).on('end', onEnd).on('close', stop)
}
