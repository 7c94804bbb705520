/** Reads the header of HAProxy's PROXY protocol, version 1 and 2 (proxy-protocol.txt, section 2). */
import { isIP, SocketAddress } from 'node:net'
import type { Ends } from './connection-ends.ts'

/** The connection that the sender speaks for. IPv6 addresses are in their usual short spelling. */
export type ProxySource = Ends

/**
 * `more`: a good header so far, but not all of it. `bad`: no header, and no byte to come can change that. `done`: the header is
 * the first `length` bytes; without a `source` the connection speaks for itself.
 */
export type ProxyHeader =
  | { readonly state: 'more' }
  | { readonly state: 'bad', readonly reason: string }
  | { readonly state: 'done', readonly length: number, readonly source: ProxySource | undefined }

/** With the CRLF. */
const MAX_LINE_BYTES = 107

const LINE_START = 'PROXY '
const PROTOCOL_STARTS = ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN']
const UNKNOWN_LINE = /^PROXY UNKNOWN(?: |$)/
const TCP_LINE = /^PROXY TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/
const MAX_PORT = 65_535

/** One of these makes the begin of an address a whole one, in as few characters as it can be done, if anything can. */
const ADDRESS_ENDS = ['', '0', ':', '::', '.0', '.0.0', '.0.0.0', '0.0', '0.0.0', '0.0.0.0']

/** One of these makes the begin of a line, cut off anywhere behind its protocol, a whole one, if anything can. */
const LINE_ENDS = [
  '\n',
  ...['', '0'].flatMap((end) => [`${end}\r\n`, `${end} 0\r\n`]),
  ...ADDRESS_ENDS.flatMap((end) => [`${end} 0 0\r\n`, `${end} 0.0.0.0 0 0\r\n`, `${end} :: 0 0\r\n`])
]

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const LOCAL = 0x20
const PROXY = 0x21
const UNSPECIFIED = 0x00

/** Bytes of the two addresses and ports, by the byte that has family and transport. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [UNSPECIFIED, 0], [0x11, 12], [0x12, 12], [0x21, 36], [0x22, 36], [0x31, 216], [0x32, 216]
])

/** Version, command, family and length come behind the signature. */
const FIXED_BYTES = 16
const MAX_BLOCK_BYTES = 4096
const TLV_HEAD_BYTES = 3

const MORE: ProxyHeader = { state: 'more' }
const NO_HEADER = bad('the connection does not start with a PROXY header: switch the PROXY protocol on at the sender, or off here')
const LONG_LINE = bad(`the PROXY header of version 1 has no end within ${MAX_LINE_BYTES} bytes`)
const BAD_LINE = bad('the PROXY header of version 1 is not of the form "PROXY TCP4 source destination port port", TCP6 or UNKNOWN')

/** Reads the header in `bytes`, which is all that came on a connection so far, from its first byte on. */
export function readProxyHeader (bytes: Buffer): ProxyHeader {
  return bytes[0] === SIGNATURE[0] ? readVersion2(bytes) : readVersion1(bytes)
}

function bad (reason: string): ProxyHeader {
  return { state: 'bad', reason }
}

function readVersion1 (bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, MAX_LINE_BYTES)
  if (!LINE_START.startsWith(text.slice(0, LINE_START.length))) return NO_HEADER
  const end = text.indexOf('\r\n')
  if (end !== -1) return readLine(text.slice(0, end))
  if (PROTOCOL_STARTS.some((start) => start.startsWith(text))) return MORE
  if (LINE_ENDS.some((lineEnd) => isHeader(text + lineEnd))) return MORE
  return text.length >= MAX_LINE_BYTES - 1 ? LONG_LINE : BAD_LINE
}

function isHeader (text: string): boolean {
  return text.length <= MAX_LINE_BYTES && text.endsWith('\r\n') && readLine(text.slice(0, -2)).state === 'done'
}

/** Reads a line that came without its CRLF. */
function readLine (line: string): ProxyHeader {
  const length = line.length + 2
  if (UNKNOWN_LINE.test(line)) return { state: 'done', length, source: undefined }
  const [, family, address = '', localAddress = '', portText, localPortText] = TCP_LINE.exec(line) ?? []
  const [port, localPort] = [Number(portText), Number(localPortText)]
  if (isIP(address) !== Number(family) || isIP(localAddress) !== Number(family)) return BAD_LINE
  if (port > MAX_PORT || localPort > MAX_PORT) return BAD_LINE
  return { state: 'done', length, source: { address: usualSpelling(address), port, localAddress: usualSpelling(localAddress), localPort } }
}

function readVersion2 (bytes: Buffer): ProxyHeader {
  const given = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.compare(SIGNATURE, 0, given, 0, given) !== 0) return NO_HEADER
  const [command, family] = bytes.subarray(SIGNATURE.length)
  if (command === undefined) return MORE
  if (command !== LOCAL && command !== PROXY) return bad(`the PROXY header has an unknown version or command: ${hex(command)}`)
  if (family === undefined) return MORE
  // What a LOCAL connection says of its family is to be ignored.
  const addressBytes = ADDRESS_BYTES.get(command === LOCAL ? UNSPECIFIED : family)
  if (addressBytes === undefined) return bad(`the PROXY header has an unknown address family or transport: ${hex(family)}`)
  return readBlock(bytes, addressBytes)
}

/** Reads what comes behind the family: length, addresses, TLVs. */
function readBlock (bytes: Buffer, addressBytes: number): ProxyHeader {
  const [high, low] = bytes.subarray(FIXED_BYTES - 2)
  if (high === undefined) return MORE
  const blockBytes = high * 256 + (low ?? 0)
  if (blockBytes > MAX_BLOCK_BYTES) return bad(`the PROXY header is longer than ${FIXED_BYTES + MAX_BLOCK_BYTES} bytes`)
  if (low === undefined) return MORE
  if (blockBytes < addressBytes) return bad('the PROXY header is too short for its addresses')
  const length = FIXED_BYTES + blockBytes
  // Without a family nobody knows where addresses end and TLVs begin: all of it is passed over.
  if (addressBytes > 0 && !areTlvsSound(bytes, FIXED_BYTES + addressBytes, length)) {
    return bad('the PROXY header has a TLV that does not fit into its length')
  }
  if (bytes.length < length) return MORE
  return { state: 'done', length, source: readSource(bytes.subarray(FIXED_BYTES), addressBytes) }
}

/** Whether the TLVs from `start` to `end` fill that space exactly, or still can as far as `bytes` goes. */
function areTlvsSound (bytes: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    if (at + TLV_HEAD_BYTES > end) return false
    const high = bytes[at + 1]
    const low = bytes[at + 2]
    if (high === undefined) return true
    at += TLV_HEAD_BYTES + high * 256 + (low ?? 0)
    if (low === undefined) return at <= end
  }
  return at === end
}

/** Addresses of 4 or 16 bytes; nothing is made of others (a path of a UNIX socket). */
function readSource (block: Buffer, addressBytes: number): ProxySource | undefined {
  if (addressBytes !== 12 && addressBytes !== 36) return undefined
  const size = (addressBytes - 4) / 2
  const write = size === 4 ? ipv4Text : ipv6Text
  return {
    address: write(block.subarray(0, size)),
    port: block.readUInt16BE(2 * size),
    localAddress: write(block.subarray(size, 2 * size)),
    localPort: block.readUInt16BE(2 * size + 2)
  }
}

function ipv4Text (bytes: Buffer): string {
  return bytes.join('.')
}

function ipv6Text (bytes: Buffer): string {
  return usualSpelling(bytes.toString('hex').replaceAll(/.{4}(?!$)/g, '$&:'))
}

function usualSpelling (address: string): string {
  return isIP(address) === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address
}

function hex (byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
