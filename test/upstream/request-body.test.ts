import { Readable } from 'node:stream'
import t from 'tap'
import { KEPT_PARTS_LIMIT, REPLAY_LIMIT_BYTES } from '../../src/upstream/request-body.ts'
import { arrange, attachedTo, settled, Sink, streaming } from './played-body.ts'

t.test('a small body is read as a whole before it is sent, and sent as one buffer', async (t) => {
  const { source, body, isReady } = arrange(11)
  source.write('hello ')
  await settled()
  t.notOk(isReady(), 'not before its end')
  source.end('world')
  await settled()
  t.ok(isReady())
  t.strictSame(body.forAttempt(), Buffer.from('hello world'))
})

t.test('a small body can be sent again, as often as needed', async (t) => {
  const { source, body } = arrange(11)
  source.write('hello ')
  source.end('world')
  await settled()
  for (let attempt = 0; attempt < 3; attempt++) {
    t.ok(body.canReplay)
    t.strictSame(body.forAttempt(), Buffer.from('hello world'))
  }
})

t.test('a small body that turned out to be empty is none', async (t) => {
  const { source, body, isReady } = arrange(0)
  source.end()
  await settled()
  t.ok(isReady())
  t.equal(body.forAttempt(), null)
})

t.test('a body is small up to the limit of what can be replayed', async (t) => {
  t.notOk(arrange(REPLAY_LIMIT_BYTES).isReady())
  t.ok(arrange(REPLAY_LIMIT_BYTES + 1).isReady())
  t.ok(arrange().isReady())
  t.equal(REPLAY_LIMIT_BYTES, 65_536)
})

t.test('a small body of exactly the limit arrives whole', async (t) => {
  const { source, body } = arrange(REPLAY_LIMIT_BYTES)
  const sent = Buffer.alloc(REPLAY_LIMIT_BYTES, 'abc')
  for (let at = 0; at < sent.length; at += 10_000) source.write(sent.subarray(at, at + 10_000))
  source.end()
  await settled()
  t.ok(body.canReplay)
  t.strictSame(body.forAttempt(), sent)
})

t.test('a client that waits to be asked for a small body is not waited for', async (t) => {
  const { source, body, isReady } = arrange(5, { mayCollect: false })
  t.ok(isReady(), 'at once')
  const sink = attachedTo(body)
  source.end('hello')
  await settled()
  t.strictSame([sink.text, sink.trailers], ['hello', ['x-sum', '1']])
  t.ok(body.canReplay, 'it can be sent again all the same')
  t.equal(attachedTo(body).text, 'hello')
})

t.test('a body of unknown length is streamed as it comes, and its trailers behind it', async (t) => {
  const { source, sink, isReady } = streaming()
  t.ok(isReady(), 'at once')
  source.write('one')
  await settled()
  t.strictSame(sink.parts, ['one'])
  source.write('two')
  await settled()
  t.strictSame(sink.parts, ['one', 'two'])
  t.equal(sink.trailers, undefined)
  source.end()
  await settled()
  t.strictSame(sink.trailers, ['x-sum', '1'])
})

t.test('a body keeps the length that was announced', async (t) => {
  t.equal(arrange(5).body.length, 5)
  t.equal(arrange(REPLAY_LIMIT_BYTES + 1).body.length, REPLAY_LIMIT_BYTES + 1)
  t.equal(arrange().body.length, undefined)
})

t.test('the trailers are asked for when the body has ended, not before', async (t) => {
  let trailers: string[] = []
  const { source, sink } = streaming({ trailers: () => trailers })
  source.write('x')
  await settled()
  trailers = ['a', 'b']
  source.end()
  await settled()
  t.strictSame(sink.trailers, ['a', 'b'])
})

t.test('nothing of a streamed body is read before an attempt asks for it', async (t) => {
  const { source, told } = arrange()
  source.write('early')
  await settled()
  t.strictSame(told, [])
})

t.test('every part that is read is told, with its size in bytes', async (t) => {
  const { source, told } = streaming()
  source.setEncoding('utf8')
  source.write('abc')
  await settled()
  source.write('\u00e9')
  await settled()
  t.strictSame(told, ['read 3', 'read 2'])
})

t.test('text that a hook\'s stream gives is sent as UTF-8', async (t) => {
  const { body } = arrange(undefined, { source: Readable.from(['caf\u00e9', ' ', 'ol\u00e9']) })
  const sink = attachedTo(body)
  await settled()
  t.equal(Buffer.from(sink.text, 'latin1').toString('utf8'), 'caf\u00e9 ol\u00e9')
  t.ok(sink.trailers)
})

t.test('a backend that takes no more stops the client, and lets it go on when it does', async (t) => {
  const { source, body, told, sink } = streaming()
  sink.takesMore = false
  const part = Buffer.alloc(16 * 1024, 'x')
  for (let i = 0; i < 64; i++) source.write(part)
  await settled()
  t.equal(readBytes(told), part.length, 'one part, and no further')
  t.ok(source.isPaused())
  body.resume(sink)
  await settled()
  t.equal(readBytes(told), 2 * part.length)
  sink.takesMore = true
  body.resume(sink)
  source.end()
  await settled()
  t.equal(sink.text, 'x'.repeat(64 * part.length))
  t.ok(sink.trailers)
})

t.test('it waits for the client while the backend would take more', async (t) => {
  const { source, body } = arrange()
  t.notOk(body.waitsForClient, 'nobody asked yet')
  const sink = attachedTo(body)
  t.ok(body.waitsForClient, 'the backend takes the first byte')
  sink.takesMore = false
  source.write('x')
  await settled()
  t.notOk(body.waitsForClient, 'the backend has enough to read')
  body.resume(sink)
  t.ok(body.waitsForClient, 'the backend has read it all')
  source.end()
  await settled()
  t.notOk(body.waitsForClient, 'the client has sent it all')
})

t.test('a body is complete when all of it has come from the client', async (t) => {
  for (const length of [2, undefined]) {
    const { source, body } = arrange(length)
    if (length === undefined) attachedTo(body)
    source.write('ab')
    await settled()
    t.notOk(body.isComplete)
    source.end()
    await settled()
    t.ok(body.isComplete)
  }
})

t.test('a streamed body can be sent again from its first byte, though its end is still to come', async (t) => {
  const { source, body, sink: first } = streaming()
  source.write('one ')
  await settled()
  body.detach(first)
  t.ok(body.canReplay)
  const second = attachedTo(body)
  source.end('two')
  await settled()
  t.equal(first.text, 'one ', 'the attempt before gets nothing more')
  t.strictSame([second.text, second.trailers], ['one two', ['x-sum', '1']])
})

t.test('a streamed body that has come to its end can be sent again', async (t) => {
  const { source, body, sink: first } = streaming()
  source.end('all of it')
  await settled()
  body.detach(first)
  const second = attachedTo(body)
  t.strictSame([second.text, second.trailers], ['all of it', ['x-sum', '1']])
})

t.test('while no attempt wants it, the client waits', async (t) => {
  const { source, body, told, sink } = streaming()
  source.write('one ')
  await settled()
  body.detach(sink)
  t.notOk(body.waitsForClient)
  source.write('two')
  await settled()
  t.strictSame(told, ['read 4'])
  t.ok(source.isPaused())
})

t.test('what an attempt that is over says is not listened to', async (t) => {
  const { source, body, sink: first } = streaming()
  source.write('one ')
  await settled()
  body.detach(first)
  const second = attachedTo(body)
  second.takesMore = false
  source.write('two ')
  await settled()
  body.detach(first)
  body.resume(first)
  source.write('three ')
  await settled()
  t.strictSame(second.parts, ['one ', 'two '], 'the client still waits for the second one')
  body.resume(second)
  await settled()
  t.strictSame(second.parts, ['one ', 'two ', 'three '])
})

t.test('what is kept is given to a backend that takes no more too, and then it is waited for', async (t) => {
  const { source, body, sink: first } = streaming()
  for (const part of ['one ', 'two ']) {
    source.write(part)
    await settled()
  }
  body.detach(first)
  const second = new Sink()
  second.takesMore = false
  body.attach(second)
  source.write('three')
  await settled()
  t.strictSame(second.parts, ['one ', 'two '])
  t.notOk(body.waitsForClient)
})

t.test('a streamed body can be sent again up to the limit and not a byte beyond', async (t) => {
  const { source, body } = streaming()
  source.write(Buffer.alloc(REPLAY_LIMIT_BYTES - 1))
  await settled()
  source.write('x')
  await settled()
  t.ok(body.canReplay)
  source.write('y')
  await settled()
  t.notOk(body.canReplay)
})

t.test('a body that came in bytes is not kept in bytes: each alone would take hundreds', async (t) => {
  const { source, body, sink: first } = streaming()
  const sent = Buffer.alloc(60_000, 'abcdefg')
  for (let at = 0; at < sent.length; at++) source.write(sent.subarray(at, at + 1))
  await settled()
  t.equal(first.parts.length, sent.length, 'the first attempt gets them as they come')
  body.detach(first)
  const second = attachedTo(body)
  t.ok(second.parts.length <= KEPT_PARTS_LIMIT, `${second.parts.length} parts`)
  t.equal(second.text, sent.toString())
})

t.test('a few parts are kept as they came, not copied', async (t) => {
  const { source, body, sink } = streaming()
  const sent = Array.from({ length: KEPT_PARTS_LIMIT }, (_, index) => Buffer.alloc(REPLAY_LIMIT_BYTES / KEPT_PARTS_LIMIT, index))
  for (const part of sent) source.write(part)
  await settled()
  body.detach(sink)
  const kept: Buffer[] = []
  body.attach({ bodyPart: (part) => kept.push(part) > 0, bodyEnd: () => {} })
  t.equal(kept.length, sent.length)
  t.ok(kept.every((part, index) => part === sent[index]))
})

t.test('a body that has outgrown the limit cannot be sent again later either', async (t) => {
  const { source, body, sink } = streaming()
  source.write(Buffer.alloc(REPLAY_LIMIT_BYTES + 1, 'x'))
  await settled()
  source.end('y')
  await settled()
  t.equal(sink.text.length, REPLAY_LIMIT_BYTES + 2, 'the attempt under way gets all of it')
  t.notOk(body.canReplay)
})

function readBytes (told: readonly string[]): number {
  return told.reduce((sum, line) => sum + (line.startsWith('read ') ? Number(line.slice(5)) : 0), 0)
}
