/** What a client may do with its body, and what it may not: send too much, fall silent, leave. */
import t from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { REPLAY_LIMIT_BYTES } from '../../src/upstream/request-body.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'
import { arrange, attachedTo, settled, Sink, streaming } from './played-body.ts'

t.test('more than the client may send is told as soon as it comes, and not sent', async (t) => {
  for (const length of [10, undefined]) {
    const { source, body, told } = arrange(length, { maxBytes: 5 })
    const sink = length === undefined ? attachedTo(body) : new Sink()
    source.write('12345')
    await settled()
    t.notOk(told.includes('too large'), 'as much as it may')
    source.write('6')
    await settled()
    t.strictSame(told, ['read 5', 'read 1', 'too large'])
    t.equal(sink.text, length === undefined ? '12345' : '')
  }
})

t.test('a client that falls silent within its body is told of, and only while it is waited for', async (t) => inVirtualTime((timeouts, pass) => {
  const { source, body, told } = arrange(undefined, { timeouts })
  pass(5_000)
  t.strictSame(told, [], 'nobody asked yet')
  const sink = attachedTo(body)
  pass(900)
  source.emit('data', Buffer.from('x'))
  pass(900)
  t.strictSame(told, ['read 1'], 'each part is a new beginning')
  sink.takesMore = false
  source.emit('data', Buffer.from('y'))
  pass(5_000)
  t.strictSame(told, ['read 1', 'read 1'], 'the backend is waited for')
  body.resume(sink)
  pass(999)
  t.strictSame(told, ['read 1', 'read 1'])
  pass(1)
  t.strictSame(told, ['read 1', 'read 1', 'stalled 1000'])
}))

t.test('a client that falls silent within a small body is told of', async (t) => inVirtualTime((timeouts, pass) => {
  const { source, told } = arrange(5, { timeouts })
  pass(999)
  source.emit('data', Buffer.from('hell'))
  pass(999)
  t.strictSame(told, ['read 4'])
  pass(1)
  t.strictSame(told, ['read 4', 'stalled 1000'])
}))

t.test('nobody waits for a client that has sent it all, or for what is discarded, or while no attempt wants it', async (t) => inVirtualTime((timeouts, pass) => {
  const ended = arrange(4, { timeouts })
  ended.source.emit('data', Buffer.from('hell'))
  ended.source.emit('end')
  const discarded = arrange(5, { timeouts })
  discarded.body.discard()
  const detached = streaming({ timeouts })
  detached.body.detach(detached.sink)
  pass(5_000)
  t.strictSame([ended.told, discarded.told, detached.told], [['read 4'], [], []])
}))

t.test('what is discarded is read to its end and kept nowhere', async (t) => {
  for (const length of [REPLAY_LIMIT_BYTES, undefined]) {
    const { source, body, told } = arrange(length)
    source.write('ab')
    await settled()
    body.discard()
    const before = [...told]
    t.notOk(body.canReplay)
    for (let i = 0; i < 10; i++) source.write(Buffer.alloc(32 * 1024))
    source.end()
    await settled()
    t.ok(body.isComplete)
    t.notOk(body.canReplay)
    t.strictSame(told, before, 'it counts as read by nobody')
  }
})

t.test('a small body that is discarded is never ready to be sent', async (t) => {
  const { source, body, isReady } = arrange(4)
  source.write('ab')
  await settled()
  body.discard()
  source.end('cd')
  await settled()
  t.notOk(isReady())
})

t.test('an attempt whose body is discarded gets no more of it, not even its end', async (t) => {
  const { source, body, sink } = streaming()
  source.write('before')
  await settled()
  body.discard()
  source.end('after')
  await settled()
  t.strictSame([sink.parts, sink.trailers], [['before'], undefined])
})

t.test('a client that leaves within a streamed body does not end it, and its owner is told', async (t) => {
  const { source, body, sink, told } = streaming()
  source.write('half')
  await settled()
  source.destroy(new Error('aborted'))
  await settled()
  t.equal(sink.trailers, undefined)
  t.strictSame(told, ['read 4', 'broken: aborted'])
  t.notOk(body.isComplete)
})

t.test('a client that leaves within a small body leaves nothing to send', async (t) => {
  const { source, body, told, isReady } = arrange(8)
  source.write('half')
  await settled()
  source.destroy(new Error('aborted'))
  await settled()
  t.notOk(isReady())
  t.notOk(body.isComplete)
  t.strictSame(told, ['read 4', 'broken: aborted'])
})

t.test('a request that fails for its trailers is not ended', async (t) => {
  const { source, sink } = streaming({ trailers: () => undefined })
  source.end('x')
  await settled()
  t.strictSame([sink.text, sink.trailers], ['x', undefined])
})

/** Plays with a deadline of 1 s in time that passes only when told to. */
function inVirtualTime (play: (timeouts: TimeoutQueue, pass: (ms: number) => void) => void): void {
  const schedule = new VirtualSchedule()
  play(new TimeoutQueue(1_000, () => schedule.nowMs(), (delayMs, callback) => schedule.after(delayMs, callback)), (ms) => schedule.pass(ms))
}
