import t, { type Test } from 'tap'
import { ChunkedDecoder } from '../../src/wire/chunked-decoder.ts'
import { MessageFault } from '../../src/wire/message-fault.ts'

interface Decoded {
  readonly data: string
  readonly trailers: readonly string[]
  /** What came behind the body. */
  readonly rest: string
  readonly state: 'done' | 'more' | 'fault'
}

/** Feeds a decoder with parts, as latin1. */
function decodeParts (parts: readonly string[]): Decoded {
  let data = ''
  const decoder = new ChunkedDecoder((bytes) => { data += bytes.toString('latin1') })
  let rest = ''
  try {
    for (const part of parts) {
      const bytes = Buffer.from(part, 'latin1')
      const end = decoder.isDone ? 0 : decoder.execute(bytes, 0)
      rest += bytes.toString('latin1', end)
    }
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    return { data, trailers: [], rest: '', state: 'fault' }
  }
  return { data, trailers: decoder.trailers, rest, state: decoder.isDone ? 'done' : 'more' }
}

/** Decodes a text as a whole, byte by byte, and cut in two at each place: all must come to the same. */
function decode (t: Test, text: string): Decoded {
  const whole = decodeParts([text])
  const cuts = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)])
  for (const parts of [Array.from(text), ...cuts]) {
    const decoded = decodeParts(parts)
    if (JSON.stringify(decoded) !== JSON.stringify(whole)) t.strictSame(decoded, whole, `in parts: ${JSON.stringify(parts)}`)
  }
  return whole
}

/** Decodes in one go what is too long to be cut everywhere. */
function isRefused (text: string): boolean {
  return decodeParts([text]).state === 'fault'
}

t.test('the data of the chunks is told, and nothing else; the rest is left', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, data: string, rest?: string]> = [
    ['0\r\n\r\n', ''],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
    ['a\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['A\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['00005\r\nhello\r\n000\r\n\r\n', 'hello'],
    ['1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n', 'abcdefghijklmnopqrstuvwxyz'],
    ['5\r\n\r\n0\r\n\r\n0\r\n\r\n', '\r\n0\r\n'],
    ['3\r\n\x00\xff\n\r\n0\r\n\r\n', '\x00\xff\n'],
    ['0\r\n\r\nHTTP/1.1 200 OK\r\n', '', 'HTTP/1.1 200 OK\r\n'],
    ['1\r\na\r\n0\r\n\r\n\r\n', 'a', '\r\n'],
    ['1\r\na\r\n0\r\n\r\n0\r\n\r\n', 'a', '0\r\n\r\n']
  ]
  for (const [text, data, rest = ''] of cases) t.strictSame(decode(t, text), { data, trailers: [], rest, state: 'done' }, JSON.stringify(text))
})

t.test('chunk extensions mean nothing', async (t) => {
  for (const extension of [';', ';a', ';a=b', ';a="b c;\u00e9"', '; a = b\t', ';a=0\t', ';;;', ';\xff']) {
    t.strictSame(decode(t, `2${extension}\r\nab\r\n0${extension}\r\n\r\n`), { data: 'ab', trailers: [], rest: '', state: 'done' }, extension)
  }
})

t.test('the fields behind the last chunk are the trailers', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, trailers: readonly string[], rest?: string]> = [
    ['0\r\nA: b\r\n\r\n', ['a', 'b']],
    ['0\r\nX-B: 2\r\nx-a:\t1 \r\nX-B: \xe9\r\n\r\n', ['x-b', '2', 'x-a', '1', 'x-b', '\xe9']],
    ['0\r\nA:\r\n\r\n', ['a', '']],
    ['0\r\nA: b\r\n\r\nrest', ['a', 'b'], 'rest'],
    ['0\r\nA: b\r\n\r\n\r\n\r\n', ['a', 'b'], '\r\n\r\n']
  ]
  for (const [text, trailers, rest = ''] of cases) t.strictSame(decode(t, text), { data: '', trailers, rest, state: 'done' }, JSON.stringify(text))
})

t.test('a body without its end is not done, however much of it there is', async (t) => {
  const text = '3;x\r\nabc\r\n0\r\nA: b\r\n\r\n'
  for (let length = 0; length < text.length; length++) t.equal(decode(t, text.slice(0, length)).state, 'more', JSON.stringify(text.slice(0, length)))
})

t.test('what could be read in two ways is refused, wherever the reads are cut', async (t) => {
  const texts = [
    '\r\n', '\r\n0\r\n\r\n', '\n', 'x\r\n', 'g\r\n', ' 1\r\na\r\n', '1 \r\na\r\n', '1\t\r\na\r\n', '1 ;a\r\na\r\n', '+1\r\na\r\n', '-1\r\na\r\n', '0x1\r\na\r\n', '1h\r\na\r\n', '1.\r\n',
    '1,\r\na\r\n', '1_0\r\n', ';a\r\n', '1\na\r\n', '1\ra', '1\r\r\na\r\n', '1\rx\n', '1;a\nb\r\na\r\n', '1;a\n\r\na\r\n', '1;a\rb\r\na\r\n', '1;\x00\r\n', '1;\x0b\r\n', '1;\x7f\r\n', '1;\x1b\r\n',
    '1\r\nab\r\n', '1\r\na\n', '1\r\na\r0', '1\r\na0\r\n\r\n', '1\r\na\n\r\n', '1\r\na\r\n\r\n', '1\r\na\r\n\n', '2\r\na\r\n0\r\n\r\n', '1\r\na\r\n0\r\n\n',
    '0\n', '0\r\n\n', '0\r\n\rx', '0\r\n\r\r\n', '0\r\nA: b\n\r\n', '0\r\nA: b\r\n\n', '0\r\nA: b\rc\r\n\r\n', '0\r\nno colon\r\n\r\n', '0\r\n: b\r\n\r\n', '0\r\nA : b\r\n\r\n', '0\r\n A: b\r\n\r\n',
    '0\r\nA: b\r\n c\r\n\r\n', '0\r\nA: b\r\n\tc: d\r\n\r\n', '0\r\nA: \x00\r\n\r\n', '0\r\nGET / HTTP/1.1\r\n\r\n', '0\r\n\x00'
  ]
  for (const text of texts) t.equal(decode(t, text).state, 'fault', JSON.stringify(text))
})

t.test('of all bytes the hexadecimal digits alone are a size', async (t) => {
  for (let code = 0; code < 256; code++) {
    const digit = String.fromCharCode(code)
    const value = '0123456789abcdef'.indexOf(digit.toLowerCase())
    const { data, state } = decodeParts([`0${digit}\r\n${'x'.repeat(Math.max(value, 0))}\r\n0\r\n\r\n`])
    if (value > 0) t.strictSame({ data: data.length, state }, { data: value, state: 'done' }, digit)
    else if (value === 0) t.equal(state, 'done')
    // A CR ends the size, a semicolon begins an extension.
    else if (digit !== '\r' && digit !== ';') t.equal(state, 'fault', `byte ${code}`)
  }
})

t.test('a size below 2^52 bytes is taken, a larger one or more than 16 digits are not', async (t) => {
  for (const size of ['fffffffffffff', '000fffffffffffff', '0000000000000001', '1000000000000']) t.equal(decode(t, `${size}\r\n`).state, 'more', size)
  for (const size of ['10000000000000', 'fffffffffffffff', 'ffffffffffffffff', '10000000000000005', '00000000000000001', '00000000000000000']) {
    t.equal(decode(t, `${size}\r\n`).state, 'fault', size)
  }
})

t.test('a large size is counted exactly', async (t) => {
  let told = 0
  const decoder = new ChunkedDecoder((data) => { told += data.length })
  const size = 3 * 1024 * 1024 + 1
  decoder.execute(Buffer.from(`${size.toString(16)}\r\n`), 0)
  const part = Buffer.alloc(64 * 1024)
  for (let left = size; left > part.length; left -= part.length) decoder.execute(part, 0)
  t.equal(told, 3 * 1024 * 1024)
  t.equal(decoder.execute(Buffer.from('x\r\n0\r\n\r\nrest'), 0), 8)
  t.equal(told, size)
  t.ok(decoder.isDone)
})

t.test('any number of chunks can come', async (t) => {
  const chunks = Array.from({ length: 4_999 }, () => '00a;\r\n0123456789\r\n')
  const { data, state } = decodeParts([...chunks, '0;x\r\n\r\n'])
  t.strictSame([data.length, state], [49_990, 'done'])
})

t.test('the data that fills a read is told as it was read, without a copy', async (t) => {
  const told: Buffer[] = []
  const decoder = new ChunkedDecoder((data) => { told.push(data) })
  const [head, part] = [Buffer.from('8\r\n'), Buffer.from('abcd')]
  decoder.execute(head, 0)
  decoder.execute(part, 0)
  t.equal(told[0], part)
  const more = Buffer.from('XXefgh\r\n')
  decoder.execute(more, 2)
  t.equal(told[1]?.buffer, more.buffer)
  t.equal(String(told[1]), 'efgh')
})

t.test('it reads from where it is told to', async (t) => {
  const decoder = new ChunkedDecoder(() => {})
  t.equal(decoder.execute(Buffer.from('head: x\r\n\r\n0\r\n\r\nrest'), 11), 16)
  t.ok(decoder.isDone)
})

t.test('all extensions of a body together may take 16 KiB', async (t) => {
  const half = `1;${'x'.repeat(8 * 1024)}\r\na\r\n`
  t.equal(decodeParts([half, half, '0\r\n\r\n']).state, 'done')
  t.ok(isRefused(`${half}${half}0;x\r\n\r\n`))
  t.ok(isRefused(`1;${'x'.repeat(16 * 1024 + 1)}`), 'though its end has not come')
})

t.test('the trailer section may take 16 KiB, its empty line included', async (t) => {
  const section = (bytes: number): string => `0\r\nx: ${'y'.repeat(bytes - 7)}\r\n\r\n`
  t.equal(decodeParts([section(16 * 1024)]).state, 'done')
  t.equal(decodeParts(Array.from(section(16 * 1024))).state, 'done', 'byte by byte')
  t.ok(isRefused(section(16 * 1024 + 1)))
  t.ok(isRefused(`0\r\nx: ${'y'.repeat(16 * 1024)}`), 'though its end has not come')
  t.equal(decodeParts([`${section(16 * 1024)}rest`]).rest, 'rest')
})
