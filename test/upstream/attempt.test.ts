/** The account and the deadlines of an attempt. Deadlines are looked at in their queues; when they pass is the queues' business. */
import t from 'tap'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { until } from '../kit/until.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'
import { arrange } from './arranged-attempt.ts'
import { EMPTY_ANSWER, OK } from './raw-backend.ts'

t.test('it is in flight until its answer is whole, and its connection is free then', async (t) => {
  const { attempt, owner, accepted, account } = await arrange(t)
  t.ok(attempt.sent)
  accepted.send(`HTTP/1.1 103 x\r\n\r\n${OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n`)
  await until('the first part', () => owner.told.includes('ab'))
  t.strictSame(account(), [1, 1])
  accepted.send('1\r\nc\r\n0\r\nx: y\r\n\r\n')
  await until('the end', () => owner.inFlightAtEnd !== undefined)
  t.strictSame(owner.told, ['sent', 'information', 'head', 'ab', 'goes on', 'c', 'done x y'])
  t.equal(owner.inFlightAtEnd, 0, 'when its owner is told it is over')
  t.strictSame(account(), [1, 0])
  attempt.abort()
  attempt.close()
  t.strictSame(account(), [1, 0], 'once, and the connection is not its own any more')
})

t.test('it is over when the backend breaks off, and is accounted for once', async (t) => {
  for (const [answer, told] of [['', ['sent']], [`${OK}content-length: 5\r\n\r\nab`, ['sent', 'head', 'ab', 'goes on']]] as const) {
    const { attempt, owner, accepted, account } = await arrange(t)
    accepted.sendAndEnd(answer)
    await until('the end', () => owner.inFlightAtEnd !== undefined)
    t.strictSame(owner.told, [...told, 'failed FL_UPSTREAM_RESET'])
    t.equal(owner.inFlightAtEnd, 0)
    attempt.abort()
    attempt.timedOut(5)
    t.strictSame([account(), owner.told.length, attempt.queue], [[0, 0], told.length + 1, undefined])
  }
})

t.test('one that is given up ends at once, and its owner hears nothing', async (t) => {
  for (const answer of ['', `${OK}content-length: 5\r\n\r\nab`]) {
    const { attempt, owner, accepted, account } = await arrange(t)
    accepted.send(answer)
    if (answer !== '') await until('a part of the answer', () => owner.told.includes('ab'))
    const before = [...owner.told]
    attempt.abort()
    t.strictSame(account(), [0, 0])
    attempt.abort()
    attempt.close()
    await accepted.reader.ended
    t.strictSame([account(), owner.told, attempt.queue], [[0, 0], before, undefined])
  }
})

t.test('a tunnel is in flight until it is closed', async (t) => {
  const { attempt, owner, accepted, account } = await arrange(t, { upgrade: 'x' })
  accepted.send('HTTP/1.1 101 x\r\nupgrade: x\r\n\r\n')
  await until('the upgrade', () => owner.told.includes('upgraded'))
  t.strictSame([account(), attempt.queue], [[1, 1], undefined])
  attempt.close()
  attempt.close()
  t.strictSame(account(), [0, 0])
  await accepted.reader.ended
})

t.test('until the head has come the backend has the time for that, which begins anew with each part of the body that it is sent', async (t) => {
  const { attempt, owner, parts, accepted } = await arrange(t)
  t.equal(attempt.queue, parts.headersTimeouts)
  const before = attempt.deadlineMs
  await until('the clock moves', () => performance.now() > before - 60_000 + 2)
  accepted.send('HTTP/1.1 103 x\r\n\r\n')
  await until('the provisional answer', () => owner.told.includes('information'))
  t.equal(attempt.deadlineMs, before, 'a provisional answer is none')
  attempt.onBodySent()
  t.ok(attempt.deadlineMs > before)
  accepted.send(`${OK}content-length: 5\r\n\r\n`)
  await until('the head', () => owner.told.includes('head'))
  t.equal(attempt.queue, parts.idleTimeouts, 'now it must not fall silent')
  attempt.abort()
})

t.test('an answer that did not come whole must not fall silent, unless the client takes no more', async (t) => {
  const { attempt, owner, parts, accepted } = await arrange(t)
  accepted.send(`${OK}content-length: 5\r\n\r\n`)
  await until('the head', () => owner.told.includes('goes on'))
  t.equal(attempt.queue, parts.idleTimeouts)
  const before = attempt.deadlineMs
  await until('the clock moves', () => performance.now() > before - 60_000 + 2)
  accepted.send('a')
  await until('a part', () => owner.told.includes('a'))
  t.ok(attempt.deadlineMs > before, 'each part is a new beginning')
  attempt.pause()
  t.equal(attempt.queue, undefined)
  attempt.resume()
  t.equal(attempt.queue, parts.idleTimeouts)
  accepted.send('bcde')
  await until('the end', () => owner.inFlightAtEnd !== undefined)
  t.equal(attempt.queue, undefined)
  attempt.pause()
  attempt.resume()
  attempt.onMoreToCome()
  t.equal(attempt.queue, undefined, 'what is over is not waited for')
})

t.test('an answer that comes while nobody takes more is not watched', async (t) => {
  const { attempt, owner, parts, accepted } = await arrange(t)
  owner.onHead = () => attempt.pause()
  accepted.send(`${OK}content-length: 5\r\n\r\n`)
  await until('the head', () => owner.told.includes('goes on'))
  t.equal(attempt.queue, undefined, 'nobody is silent who is not listened to')
  attempt.resume()
  t.equal(attempt.queue, parts.idleTimeouts)
})

t.test('a backend that is too slow is told apart by what was missing', async (t) => {
  for (const [answer, code] of [['', 'FL_UPSTREAM_HEADERS_TIMEOUT'], [`${OK}content-length: 5\r\n\r\n`, 'FL_UPSTREAM_IDLE_TIMEOUT']] as const) {
    const { attempt, owner, accepted, account } = await arrange(t)
    accepted.send(answer)
    if (answer !== '') await until('the head', () => owner.told.includes('head'))
    attempt.timedOut(5)
    t.equal(owner.told.at(-1), `failed ${code}`)
    t.strictSame([account(), owner.inFlightAtEnd], [[0, 0], 0])
    await accepted.reader.ended
  }
})

t.test('a backend that waits for the client\'s body, as the gateway does, is not too slow', async (t) => {
  const { attempt, owner, parts, accepted, account } = await arrange(t)
  owner.waitsForClient = true
  attempt.timedOut(5)
  t.strictSame([account(), attempt.queue === parts.headersTimeouts], [[1, 1], true], 'it gets the time anew')
  accepted.send(EMPTY_ANSWER)
  await until('the end', () => owner.inFlightAtEnd !== undefined)
  t.equal(owner.told.at(-1), 'done ')
})

t.test('an answer that asks for draining drains its backend with its head, whatever its status; no other one does', async (t) => {
  for (const [status, field, isDraining] of [['200 OK', 'x-fastlancer-drain: 1', true], ['503 x', 'X-Fastlancer-Drain: 1', true], ['200 OK', 'x-fastlancer-drain: 0', false], ['200 OK', 'a: 1', false]] as const) {
    const { attempt, owner, accepted } = await arrange(t)
    accepted.send(`HTTP/1.1 103 x\r\nx-fastlancer-drain: 1\r\n\r\nHTTP/1.1 ${status}\r\n${field}\r\ncontent-length: 5\r\n\r\n`)
    await until('the head', () => owner.told.includes('head'))
    t.equal(attempt.backend.isDraining, isDraining, `${status} ${field}`)
    attempt.abort()
  }
})

t.test('an answer that begins a tunnel can ask for draining too', async (t) => {
  const { attempt, owner, accepted, account } = await arrange(t, { upgrade: 'x' })
  accepted.send('HTTP/1.1 101 x\r\nupgrade: x\r\nx-fastlancer-drain: 1\r\n\r\n')
  await until('the upgrade', () => owner.told.includes('upgraded'))
  t.strictSame([attempt.backend.isDraining, account()], [true, [1, 1]])
  attempt.close()
})

/** The time that an attempt has until its head, on a clock that the test sets. */
function limited (ms: number): { readonly schedule: VirtualSchedule, readonly attemptTimeouts: TimeoutQueue } {
  const schedule = new VirtualSchedule()
  return { schedule, attemptTimeouts: new TimeoutQueue(ms, () => schedule.nowMs(), (delayMs, callback) => schedule.after(delayMs, callback)) }
}

t.test('an attempt whose time is over before its head has come has failed, and its connection is closed', async (t) => {
  const { schedule, attemptTimeouts } = limited(100)
  const { owner, accepted, account } = await arrange(t, { attemptTimeouts })
  schedule.pass(99)
  t.strictSame(account(), [1, 1])
  schedule.pass(1)
  t.equal(owner.told.at(-1), 'failed FL_ATTEMPT_TIMEOUT')
  t.strictSame([account(), owner.inFlightAtEnd], [[0, 0], 0])
  await accepted.reader.ended
})

t.test('if the client is waited for then, it gets the time anew', async (t) => {
  const { schedule, attemptTimeouts } = limited(100)
  const { owner, account } = await arrange(t, { attemptTimeouts })
  owner.waitsForClient = true
  schedule.pass(100)
  owner.waitsForClient = false
  schedule.pass(99)
  t.strictSame(account(), [1, 1])
  schedule.pass(1)
  t.equal(owner.told.at(-1), 'failed FL_ATTEMPT_TIMEOUT')
})

const BEGINNINGS: ReadonlyArray<readonly [what: string, upgrade: string | undefined, answer: string, told: string]> = [
  ['its head has come', undefined, `${OK}content-length: 5\r\n\r\n`, 'goes on'],
  ['it has become a tunnel', 'x', 'HTTP/1.1 101 x\r\nupgrade: x\r\n\r\n', 'upgraded']
]

for (const [what, upgrade, answer, told] of BEGINNINGS) {
  t.test(`when ${what} that time counts no more`, async (t) => {
    const { schedule, attemptTimeouts } = limited(100)
    const { attempt, owner, accepted, account } = await arrange(t, { attemptTimeouts, ...(upgrade !== undefined && { upgrade }) })
    accepted.send(answer)
    await until('the answer begins', () => owner.told.includes(told))
    schedule.pass(1_000)
    t.strictSame([account(), owner.told.at(-1)], [[1, 1], told])
    if (upgrade === undefined) attempt.abort()
    else attempt.close()
  })
}

t.test('what was given up is not found to be late', async (t) => {
  const { schedule, attemptTimeouts } = limited(100)
  const { attempt, owner } = await arrange(t, { attemptTimeouts })
  attempt.abort()
  schedule.pass(1_000)
  t.strictSame(owner.told, ['sent'])
})
