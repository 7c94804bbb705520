import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import t from 'tap'
import { type AttemptBody, REPLAY_LIMIT_BYTES, RequestBody } from '../../src/upstream/request-body.ts'

interface Arranged {
  /** The client's side. */
  readonly source: PassThrough
  readonly body: RequestBody
  /** The sizes that were told to `onRead`. */
  readonly read: number[]
  /** Whether there is enough to send. */
  readonly isReady: () => boolean
}

/** A body whose client has sent nothing yet, being prepared. */
function arrange (length?: number): Arranged {
  // As much as a request of Node's HTTP server holds before it stops reading the socket.
  const source = new PassThrough({ highWaterMark: 64 * 1024 })
  const read: number[] = []
  let isReady = false
  const body = new RequestBody({ source, length, onRead: (bytes) => read.push(bytes) })
  body.prepare(() => { isReady = true })
  return { source, body, read, isReady: () => isReady }
}

/** Lets everything happen that streams put off. */
async function settled (): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => { setImmediate(resolve) })
}

function streamOf (body: AttemptBody): Readable {
  if (body instanceof Readable) return body
  throw new TypeError('a stream was expected')
}

/** A body without a length, of which an attempt has the stream. */
function streaming (): Arranged & { stream: Readable } {
  const arranged = arrange()
  return { ...arranged, stream: streamOf(arranged.body.forAttempt()) }
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)

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

t.test('a body of unknown length is streamed as it comes', async (t) => {
  const { source, body, isReady } = arrange()
  t.ok(isReady(), 'at once')
  const stream = streamOf(body.forAttempt())
  const received: string[] = []
  stream.on('data', (chunk: Buffer) => received.push(chunk.toString()))
  source.write('one')
  await settled()
  t.strictSame(received, ['one'])
  source.write('two')
  await settled()
  t.strictSame(received, ['one', 'two'])
  t.notOk(stream.readableEnded)
  source.end()
  await settled()
  t.ok(stream.readableEnded)
})

t.test('nothing of a streamed body is read before an attempt asks for it', async (t) => {
  const { source, read } = arrange()
  source.write('early')
  await settled()
  t.strictSame(read, [])
})

t.test('every part that is read is told, with its size in bytes', async (t) => {
  const { source, body, read } = arrange()
  source.setEncoding('utf8')
  streamOf(body.forAttempt()).resume()
  source.write('abc')
  await settled()
  source.write('\u00e9')
  await settled()
  t.strictSame(read, [3, 2])
})

t.test('text that a hook\'s stream gives is sent as UTF-8', async (t) => {
  const body = new RequestBody({ source: Readable.from(['caf\u00e9', ' ', 'ol\u00e9']), length: undefined, onRead: () => {} })
  body.prepare(() => {})
  t.equal(await text(streamOf(body.forAttempt())), 'caf\u00e9 ol\u00e9')
})

t.test('a backend that does not read stops the client', async (t) => {
  const { source, read, stream } = streaming()
  stream.read(0)
  const part = Buffer.alloc(16 * 1024)
  for (let i = 0; i < 64; i++) source.write(part)
  await settled()
  const takenBytes = sum(read)
  t.ok(takenBytes >= REPLAY_LIMIT_BYTES && takenBytes <= REPLAY_LIMIT_BYTES + part.length, `${takenBytes} bytes were taken of ${64 * part.length}`)
  t.ok(source.isPaused())
})

t.test('a backend that reads on lets the client go on, and gets every byte in order', async (t) => {
  const { source, stream } = streaming()
  const sent = Buffer.from(Array.from({ length: 40_000 }, (_, index) => `${index},`).join(''))
  for (let at = 0; at < sent.length; at += 5_000) source.write(sent.subarray(at, at + 5_000))
  source.end()
  stream.read(0)
  await settled()
  t.ok(source.readableLength > 0, 'a part of it had to wait')
  t.ok((await buffer(stream)).equals(sent))
})

t.test('it waits for the client while the backend would take more', async (t) => {
  const { source, body } = arrange()
  t.notOk(body.waitsForClient, 'nobody asked yet')
  const stream = streamOf(body.forAttempt())
  stream.read(0)
  t.ok(body.waitsForClient, 'the backend takes the first byte')
  source.write(Buffer.alloc(REPLAY_LIMIT_BYTES))
  await settled()
  t.notOk(body.waitsForClient, 'the backend has enough to read')
  stream.resume()
  await settled()
  t.ok(body.waitsForClient, 'the backend has read it all')
  source.end()
  await settled()
  t.notOk(body.waitsForClient, 'the client has sent it all')
})

t.test('a body is complete when all of it has come from the client', async (t) => {
  for (const length of [2, undefined]) {
    const { source, body } = arrange(length)
    if (length === undefined) streamOf(body.forAttempt()).resume()
    source.write('ab')
    await settled()
    t.notOk(body.isComplete)
    source.end()
    await settled()
    t.ok(body.isComplete)
  }
})

t.test('a streamed body can be sent again from its first byte, though its end is still to come', async (t) => {
  const { source, body, stream: first } = streaming()
  first.resume()
  source.write('one ')
  await settled()
  t.ok(body.canReplay)
  const second = body.forAttempt()
  t.ok(first.destroyed, 'the attempt before gets nothing more')
  source.end('two')
  t.equal(await text(streamOf(second)), 'one two')
})

t.test('a streamed body that has come to its end can be sent again', async (t) => {
  const { source, body } = arrange()
  source.end('all of it')
  t.equal(await text(streamOf(body.forAttempt())), 'all of it')
  t.equal(await text(streamOf(body.forAttempt())), 'all of it')
})

t.test('a failed attempt that destroys its stream leaves the client\'s side as it is', async (t) => {
  const { source, body, stream: first } = streaming()
  first.resume()
  source.write('one ')
  await settled()
  first.destroy(new Error('the attempt failed'))
  source.write('two ')
  await settled()
  t.notOk(source.destroyed)
  const second = body.forAttempt()
  source.end('three')
  t.equal(await text(streamOf(second)), 'one two three')
})

t.test('a streamed body can be sent again up to the limit and not a byte beyond', async (t) => {
  const { source, body } = arrange()
  streamOf(body.forAttempt()).resume()
  source.write(Buffer.alloc(REPLAY_LIMIT_BYTES - 1))
  await settled()
  source.write('x')
  await settled()
  t.ok(body.canReplay)
  source.write('y')
  await settled()
  t.notOk(body.canReplay)
})

t.test('a body that has outgrown the limit cannot be sent again later either', async (t) => {
  const { source, body, stream } = streaming()
  const whole = text(stream)
  source.write(Buffer.alloc(REPLAY_LIMIT_BYTES + 1, 'x'))
  await settled()
  source.end('y')
  t.equal((await whole).length, REPLAY_LIMIT_BYTES + 2, 'the attempt under way gets all of it')
  t.notOk(body.canReplay)
})

t.test('what is discarded is read to its end and kept nowhere', async (t) => {
  for (const length of [REPLAY_LIMIT_BYTES, undefined]) {
    const { source, body, read } = arrange(length)
    source.write('ab')
    await settled()
    body.discard()
    t.notOk(body.canReplay)
    for (let i = 0; i < 10; i++) source.write(Buffer.alloc(32 * 1024))
    source.end()
    await settled()
    t.ok(body.isComplete)
    t.equal(sum(read), 2 + 10 * 32 * 1024)
    t.notOk(body.canReplay)
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

t.test('an attempt whose body is discarded gets no more of it', async (t) => {
  const { source, body, stream } = streaming()
  const received: string[] = []
  stream.on('data', (chunk: Buffer) => received.push(chunk.toString()))
  source.write('before')
  await settled()
  body.discard()
  source.end('after')
  await settled()
  t.strictSame(received, ['before'])
})

t.test('a client that leaves within a streamed body ends the stream of the attempt, though not as if it were whole', async (t) => {
  const { source, body, stream } = streaming()
  stream.resume()
  source.write('half')
  await settled()
  source.destroy(new Error('aborted'))
  await settled()
  t.ok(stream.destroyed)
  t.notOk(stream.readableEnded)
  t.notOk(body.isComplete)
})

t.test('a client that leaves within a small body leaves nothing to send', async (t) => {
  const { source, body, isReady } = arrange(8)
  source.write('half')
  await settled()
  source.destroy(new Error('aborted'))
  await settled()
  t.notOk(isReady())
  t.notOk(body.isComplete)
})
