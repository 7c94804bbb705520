import { isIP } from 'node:net'
import t from 'tap'
import { type ProxyHeader, type ProxySource, readProxyHeader } from '../../src/client/proxy-protocol.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const [LOCAL, PROXY] = [0x20, 0x21]
const [UNSPEC, TCP4, UDP4, TCP6, UDP6, UNIX_STREAM, UNIX_DATAGRAM] = [0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32]

const IPV4_BLOCK = Buffer.from(['c0000201', 'c6336402', 'dc04', '01bb'].join(''), 'hex')
const IPV4_SOURCE: ProxySource = { address: '192.0.2.1', port: 56_324, localAddress: '198.51.100.2', localPort: 443 }

const IPV6_BLOCK = Buffer.from(['20010db8000000000000000000000001', '20010db8000100020003000400050006', '0000', 'ffff'].join(''), 'hex')
const IPV6_SOURCE: ProxySource = { address: '2001:db8::1', port: 0, localAddress: '2001:db8:1:2:3:4:5:6', localPort: 65_535 }

const UNIX_BLOCK = Buffer.alloc(216, 'a')

function line (text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** A header of version 2; `length` can be another than that of the parts. */
function binary (command: number, family: number, parts: readonly Buffer[] = [], length = Buffer.concat(parts).length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 0xff]), ...parts])
}

function tlv (type: number, valueBytes: number, saidBytes = valueBytes): Buffer {
  return Buffer.concat([Buffer.from([type, saidBytes >> 8, saidBytes & 0xff]), Buffer.alloc(valueBytes, 7)])
}

function done (header: Buffer, source: ProxySource | undefined): ProxyHeader {
  return { state: 'done', length: header.length, source }
}

/** The first of the bytes at which the header is known to be none; 0 if it is not known at their end. */
function badAt (bytes: Buffer): number {
  for (let length = 0; length <= bytes.length; length++) {
    if (readProxyHeader(bytes.subarray(0, length)).state === 'bad') return length
  }
  return 0
}

const LONG_IPV6 = 'abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd'

const GOOD_LINES: ReadonlyArray<readonly [string, ProxySource | undefined]> = [
  ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 443', IPV4_SOURCE],
  ['PROXY TCP4 0.0.0.0 255.255.255.255 0 65535', { address: '0.0.0.0', port: 0, localAddress: '255.255.255.255', localPort: 65_535 }],
  ['PROXY TCP6 2001:db8::1 2001:db8:1:2:3:4:5:6 0 65535', IPV6_SOURCE],
  ['PROXY TCP6 2001:0DB8:0:0:0:0:0:0001 2001:db8:1:2:3:4:5:6 0 65535', IPV6_SOURCE],
  ['PROXY TCP6 :: ::1 1 2', { address: '::', port: 1, localAddress: '::1', localPort: 2 }],
  ['PROXY TCP6 1:: 1:2:3:4:5:6:7:: 1 2', { address: '1::', port: 1, localAddress: '1:2:3:4:5:6:7:0', localPort: 2 }],
  ['PROXY TCP6 ::ffff:192.0.2.1 1:2:3:4:5:6:250.0.10.99 1 2',
    { address: '::ffff:192.0.2.1', port: 1, localAddress: '1:2:3:4:5:6:fa00:a63', localPort: 2 }],
  [`PROXY TCP6 ${LONG_IPV6} ${LONG_IPV6} 65535 65535`, { address: LONG_IPV6, port: 65_535, localAddress: LONG_IPV6, localPort: 65_535 }],
  ['PROXY UNKNOWN', undefined],
  ['PROXY UNKNOWN ', undefined],
  ['PROXY UNKNOWN 192.0.2.1 198.51.100.2 56324 443', undefined],
  ['PROXY UNKNOWN a\rb\n\0\u00ff \r', undefined],
  [`PROXY UNKNOWN ${'x'.repeat(107 - 16)}`, undefined]
]

const GOOD_BINARIES: ReadonlyArray<readonly [string, Buffer, ProxySource | undefined]> = [
  ['TCP over IPv4', binary(PROXY, TCP4, [IPV4_BLOCK]), IPV4_SOURCE],
  ['UDP over IPv4', binary(PROXY, UDP4, [IPV4_BLOCK]), IPV4_SOURCE],
  ['TCP over IPv6', binary(PROXY, TCP6, [IPV6_BLOCK]), IPV6_SOURCE],
  ['UDP over IPv6', binary(PROXY, UDP6, [IPV6_BLOCK]), IPV6_SOURCE],
  ['UNIX stream', binary(PROXY, UNIX_STREAM, [UNIX_BLOCK]), undefined],
  ['UNIX datagram', binary(PROXY, UNIX_DATAGRAM, [UNIX_BLOCK, tlv(4, 2)]), undefined],
  ['unspecified', binary(PROXY, UNSPEC), undefined],
  ['unspecified with anything behind', binary(PROXY, UNSPEC, [Buffer.from([1])]), undefined],
  ['local', binary(LOCAL, UNSPEC), undefined],
  ['local with an address', binary(LOCAL, TCP4, [IPV4_BLOCK]), undefined],
  ['local with too little of an address', binary(LOCAL, TCP4, [Buffer.from([1, 2])]), undefined],
  ['local of an unknown family', binary(LOCAL, 0xff, [Buffer.from([1, 2])]), undefined],
  ['TLVs behind', binary(PROXY, TCP4, [IPV4_BLOCK, tlv(0xea, 5), tlv(4, 0), tlv(3, 4), tlv(0x20, 300)]), IPV4_SOURCE],
  ['an empty TLV behind', binary(PROXY, TCP6, [IPV6_BLOCK, tlv(4, 0)]), IPV6_SOURCE],
  ['the longest block', binary(PROXY, TCP4, [IPV4_BLOCK, tlv(4, 4096 - 12 - 3)]), IPV4_SOURCE],
  ['the longest block of a local connection', binary(LOCAL, UNSPEC, [Buffer.alloc(4096)]), undefined]
]

const GOOD: ReadonlyArray<readonly [string, Buffer, ProxySource | undefined]> = [
  ...GOOD_LINES.map(([text, source]) => [JSON.stringify(text), line(text), source] as const),
  ...GOOD_BINARIES
]

const SHORT = GOOD.filter(([, header]) => header.length < 400)

t.test('a good header gives its length and its source, whatever follows it', async (t) => {
  for (const [name, header, source] of GOOD) {
    for (const rest of ['', 'G', '\n', 'GET / HTTP/1.1\r\n\r\n', '\r\n'.repeat(3000)]) {
      t.strictSame(readProxyHeader(Buffer.concat([header, Buffer.from(rest)])), done(header, source), name)
    }
  }
})

t.test('of a good header that is cut off anywhere more is awaited', async (t) => {
  for (const [name, header] of GOOD) {
    const states = new Set(Array.from({ length: header.length }, (_, length) => readProxyHeader(header.subarray(0, length)).state))
    t.strictSame([...states], ['more'], name)
  }
})

t.test('a line is bad from the first byte on that no good line has there', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['', 'G'], ['', 'p'], ['', ' '], ['', '\n'], ['', '\0'], ['PROX', 'y'], ['PROXY', '\t'], ['PROXY', '\r'], ['PROXY ', ' '], ['PROXY ', 't'],
    ['PROXY TCP', '5'], ['PROXY TCP4', '\r'], ['PROXY UNKNOW', 'M'], ['PROXY UNKNOWN', 'X'], ['PROXY UNKNOWN', '\n'], ['PROXY UNKNOWN\r', 'x'],
    ['PROXY TCP4 ', ' '], ['PROXY TCP4 ', ':'], ['PROXY TCP4 ', 'a'], ['PROXY TCP4 ', '.'], ['PROXY TCP4 1.', '.'], ['PROXY TCP4 25', '6'],
    ['PROXY TCP4 0', '1'], ['PROXY TCP4 1.2.3', ' '], ['PROXY TCP4 1.2.3.', ' '], ['PROXY TCP4 1.2.3.4', '.'], ['PROXY TCP4 1.2.3.4 ', ' '],
    ['PROXY TCP4 1.2.3.4 ', ':'], ['PROXY TCP4 1.2.3.4 5', '\r'], ['PROXY TCP4 1.2.3.4 5.6.7.8', '\r'], ['PROXY TCP4 1.2.3.4 5.6.7.8 ', ' '],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 ', '-'], ['PROXY TCP4 1.2.3.4 5.6.7.8 0', '0'], ['PROXY TCP4 1.2.3.4 5.6.7.8 6553', '6'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 65535', '0'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1', 'a'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1', '\r'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 ', '\r'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 ', ' '], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 6553', '6'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2', ' '], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2', '\n'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r', '\r'],
    ['PROXY TCP6 ', '.'], ['PROXY TCP6 ', 'g'], ['PROXY TCP6 ', '%'], ['PROXY TCP6 :', '1'], ['PROXY TCP6 ::', ':'], ['PROXY TCP6 1::2:', ':'],
    ['PROXY TCP6 abcd', 'e'], ['PROXY TCP6 1', '.'], ['PROXY TCP6 1:2:3:4:5:6:7:8', ':'], ['PROXY TCP6 ::25', '6.'], ['PROXY TCP6 ::', '01.'],
    ['PROXY TCP6 ::1.2.3.4', ':'], ['PROXY TCP6 1', ' '], ['PROXY TCP6 ::1', '%'], ['PROXY TCP6 ::1 1', '.'], ['PROXY TCP6 1:2:3:4:5:6:7', ' '],
    ['PROXY TCP6 ::1 ::1', '%'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 0', '0']
  ]
  for (const [good, wrong] of cases) {
    const bytes = Buffer.from(good + wrong, 'latin1')
    t.equal(badAt(bytes), bytes.length, JSON.stringify(good + wrong))
    t.equal(readProxyHeader(line(good + wrong)).state, 'bad', JSON.stringify(good + wrong))
  }
})

t.test('a line without an end within 107 bytes is bad as soon as none can come', async (t) => {
  for (const long of ['PROXY UNKNOWN '.padEnd(200, 'x'), `PROXY UNKNOWN ${'x'.repeat(107 - 15)}\r\n`]) {
    const bytes = Buffer.from(long)
    t.equal(badAt(bytes), 106)
    for (const length of [106, 107, bytes.length]) {
      t.match(readProxyHeader(bytes.subarray(0, length)), { state: 'bad', reason: /no end within 107 bytes/ }, `${length} bytes`)
    }
  }
  // Addresses that are good each, but too long together.
  const mapped = '0000:0000:0000:0000:0000:ffff:100.100.100.100'
  t.equal(badAt(line(`PROXY TCP6 ${mapped} ${mapped} 1 2`)), 'PROXY TCP6 '.length + mapped.length + 1 + mapped.length)
})

t.test('a binary header is bad from the first byte on that no good one has there', async (t) => {
  const wrongAt = (at: number, value: number): Buffer => {
    const bytes = binary(PROXY, TCP4, [IPV4_BLOCK])
    bytes[at] = value
    return bytes.subarray(0, at + 1)
  }
  for (let at = 1; at < 12; at++) t.equal(badAt(wrongAt(at, 0x21)), at + 1, `signature, byte ${at}`)
  for (const command of [0x00, 0x01, 0x10, 0x11, 0x22, 0x2f, 0x31, 0xff]) t.equal(badAt(wrongAt(12, command)), 13, `command ${command}`)
  for (const family of [0x01, 0x02, 0x10, 0x13, 0x20, 0x23, 0x30, 0x33, 0x41, 0xff]) t.equal(badAt(wrongAt(13, family)), 14, `family ${family}`)
  t.equal(badAt(wrongAt(14, 0x11)), 15, 'a length above the bound')
})

t.test('a binary header longer than the bound is bad', async (t) => {
  for (const command of [LOCAL, PROXY]) {
    t.equal(badAt(binary(command, UNSPEC, [], 4097)), 16)
    t.match(readProxyHeader(binary(command, UNSPEC, [Buffer.alloc(4097)])), { state: 'bad', reason: /longer than 4112 bytes/ })
  }
})

t.test('a binary header too short for its addresses is bad', async (t) => {
  for (const [family, needed] of [[TCP4, 12], [UDP4, 12], [TCP6, 36], [UDP6, 36], [UNIX_STREAM, 216], [UNIX_DATAGRAM, 216]] as const) {
    for (const length of [0, 1, needed - 1]) t.equal(badAt(binary(PROXY, family, [], length)), 16, `family ${family}, ${length} bytes`)
    t.equal(readProxyHeader(binary(PROXY, family, [], needed)).state, 'more')
  }
})

t.test('TLVs that do not fill the rest of the length exactly are bad as soon as it shows', async (t) => {
  const cases: ReadonlyArray<readonly [string, Buffer[], number]> = [
    ['a byte too many', [Buffer.alloc(1)], 16],
    ['two bytes too many', [Buffer.alloc(2)], 16],
    ['a TLV longer than the rest', [tlv(1, 4, 5)], 16 + 12 + 3],
    ['a TLV longer than the rest by its high byte', [tlv(1, 4, 256)], 16 + 12 + 2],
    ['a byte behind a TLV', [tlv(1, 4), Buffer.alloc(1)], 16 + 12 + 3],
    ['a second TLV longer than the rest', [tlv(1, 4), tlv(1, 0, 1)], 16 + 12 + 7 + 3]
  ]
  for (const [name, tlvs, at] of cases) {
    const bytes = binary(PROXY, TCP4, [IPV4_BLOCK, ...tlvs])
    t.equal(badAt(Buffer.concat([bytes, Buffer.alloc(300)])), at, name)
  }
  t.equal(badAt(binary(PROXY, UNIX_STREAM, [UNIX_BLOCK, Buffer.alloc(1)])), 16)
})

t.test('a reason says what is wrong', async (t) => {
  const cases: ReadonlyArray<readonly [Buffer, RegExp]> = [
    [Buffer.from('GET / HTTP/1.1\r\n'), /does not start with a PROXY header: switch the PROXY protocol on at the sender, or off here$/],
    [Buffer.from('\r\nGET'), /does not start with a PROXY header/],
    [line('PROXY TCP4 ::1 ::1 1 2'), /not of the form "PROXY TCP4 source destination port port", TCP6 or UNKNOWN$/],
    [line('PROXY TCP6 1.2.3.4 5.6.7.8 1 2'), /not of the form/],
    [line('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536'), /not of the form/],
    [line('PROXY TCP4 1.2.3.4 5.6.7.8 65536 1'), /not of the form/],
    [binary(0x31, TCP4), /unknown version or command: 0x31$/],
    [binary(PROXY, 0x01), /unknown address family or transport: 0x01$/],
    [binary(PROXY, TCP4), /too short for its addresses$/],
    [binary(PROXY, TCP4, [IPV4_BLOCK, Buffer.alloc(1)]), /has a TLV that does not fit into its length$/]
  ]
  for (const [bytes, reason] of cases) t.match(readProxyHeader(bytes), { state: 'bad', reason })
})

t.test('whenever more is awaited, there is a byte that can come next', async (t) => {
  const random = seeded(20_240_608)
  for (let i = 0; i < 1500; i++) {
    const bytes = mutated(random)
    const length = lastMore(bytes)
    const next = Buffer.concat([bytes.subarray(0, length), Buffer.alloc(1)])
    if (!anyByte((byte) => { next[length] = byte; return readProxyHeader(next).state !== 'bad' })) t.fail(`a dead end: ${next.toString('latin1')}`)
  }
  t.pass()
})

t.test('a header that was bad or whole stays so, whatever comes', async (t) => {
  const random = seeded(20_240_609)
  const seen = { more: 0, bad: 0, done: 0 }
  for (let i = 0; i < 1500; i++) {
    const bytes = mutated(random)
    const whole = readProxyHeader(bytes)
    seen[whole.state]++
    const last = lastMore(bytes)
    for (let length = last + 1; length <= bytes.length; length++) {
      const { state } = readProxyHeader(bytes.subarray(0, length))
      if (state !== whole.state) t.fail(`${state}, then ${whole.state}: ${bytes.toString('latin1')}`)
    }
    if (whole.state === 'done' && whole.length !== last + 1) t.fail(`done late: ${bytes.toString('latin1')}`)
  }
  t.ok(seen.bad > 100 && seen.done > 100, JSON.stringify(seen))
})

t.test('random addresses come out as they went in, from either version, and no prefix of them is bad', async (t) => {
  const random = seeded(20_240_610)
  for (let i = 0; i < 300; i++) {
    const family = random() < 0.3 ? 4 : 6
    const block = Buffer.from(Array.from({ length: family === 4 ? 12 : 36 }, () => random() < 0.5 ? 0 : Math.floor(random() * 256)))
    const read = readProxyHeader(binary(PROXY, family === 4 ? TCP4 : TCP6, [block]))
    const source = read.state === 'done' ? read.source : undefined
    const { address = '', port, localAddress = '', localPort } = source ?? {}
    t.strictSame([isIP(address), isIP(localAddress)], [family, family])
    t.strictSame([port, localPort], [block.readUInt16BE(block.length - 4), block.readUInt16BE(block.length - 2)])
    const text = line(`PROXY TCP${family} ${address} ${spelt(localAddress, block, family)} ${port} ${localPort}`)
    t.strictSame(readProxyHeader(text), done(text, source))
    for (let length = 0; length < text.length; length++) {
      if (readProxyHeader(text.subarray(0, length)).state !== 'more') t.fail(`${length} bytes of ${text.toString()}`)
    }
  }
})

/** The second address of a block, written out in another way than the code writes it. */
function spelt (address: string, block: Buffer, family: number): string {
  if (family === 4) return address
  return Array.from({ length: 8 }, (_, i) => block.readUInt16BE(16 + 2 * i).toString(16)).join(':')
}

/** How many bytes there are when more is awaited for the last time. */
function lastMore (bytes: Buffer): number {
  let length = 0
  while (length < bytes.length && readProxyHeader(bytes.subarray(0, length + 1)).state === 'more') length++
  return length
}

function anyByte (test: (byte: number) => boolean): boolean {
  for (let byte = 0; byte < 256; byte++) {
    if (test(byte)) return true
  }
  return false
}

/** A good header with a byte changed, left out or put in, and what comes behind it. */
function mutated (random: () => number): Buffer {
  const [, header = Buffer.alloc(0)] = SHORT[Math.floor(random() * SHORT.length)] ?? []
  const at = Math.floor(random() * header.length)
  const usual = '0123456789abcdef.: \r\nPT\0\u0021\u0011\u0020'
  const byte = random() < 0.7 ? usual.charCodeAt(Math.floor(random() * usual.length)) : Math.floor(random() * 256)
  const middle = [[byte], [], [byte, header[at] ?? 0]][Math.floor(random() * 3)] ?? []
  return Buffer.concat([header.subarray(0, at), Buffer.from(middle), header.subarray(at + 1), Buffer.from('GET / HTTP/1.1\r\n')])
}

/** Numbers from 0 to 1, the same ones for a seed. */
function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
