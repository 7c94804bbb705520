/** Whose word on the client's address is taken (TRUST_PROXY), and the address that follows from it. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'

/** What TRUST_PROXY says. With a fault in it, nobody is trusted. */
export interface TrustReading {
  readonly trust: Trust
  /** What is wrong, a sentence an entry. */
  readonly faults: readonly string[]
}

export const MAX_TRUSTED_HOPS = 32

/** How many entries of X-Forwarded-For are looked at, from its end. */
export const MAX_FORWARDED_ENTRIES = 64

/** What a dual-stack listener makes of an IPv4 address. */
const USUAL_MAPPED = /^::ffff:([\d.]+)$/i

/** Any spelling of ::ffff:0:0/96, and a few others. */
const MAYBE_MAPPED = /^[0:]+:ffff:/i

const MAPPED_PREFIX = '::ffff:'
const MAPPED_PREFIX_BITS = 96

/** `[IPv6]`, `[IPv6]:port` or `IPv4:port`. */
const BRACKETS_OR_PORT = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/

/**
 * The proxies in front of the gateway. Hop 0 is the peer of the connection, hop 1 the address that X-Forwarded-For names last,
 * and so on towards the client.
 */
export class Trust {
  readonly #hops: number
  readonly #ipv4: BlockList
  readonly #ipv6: BlockList
  readonly #hasNetworks: boolean

  /**
   * `hops`: how many hops are trusted whatever their address. The networks are apart by family because a BlockList takes an IPv4
   * address for its IPv4-mapped one: `::/0` would trust all of IPv4.
   */
  constructor (hops = 0, ipv4 = new BlockList(), ipv6 = new BlockList()) {
    this.#hops = hops
    this.#ipv4 = ipv4
    this.#ipv6 = ipv6
    this.#hasNetworks = ipv4.rules.length > 0 || ipv6.rules.length > 0
  }

  /** The same as seen from behind the first hop, which has introduced its client by other means (PROXY protocol). */
  behindFirstHop (): Trust {
    return new Trust(Math.max(0, this.#hops - 1), this.#ipv4, this.#ipv6)
  }

  /** Whether no address is trusted at any hop. */
  get isNobody (): boolean {
    return this.#hops === 0 && !this.#hasNetworks
  }

  /** Whether `address`, met at `hop`, is a proxy of ours. By address, only what is an IP address can be trusted. */
  trusts (address: string | undefined, hop: number): boolean {
    if (hop < this.#hops) return true
    if (!this.#hasNetworks || address === undefined) return false
    const plain = plainAddress(address)
    if (plain === undefined) return false
    return isIPv4(plain) ? this.#ipv4.check(plain, 'ipv4') : this.#ipv6.check(plain, 'ipv6')
  }

  /** Whether the peer of the connection is a proxy of ours. */
  trustsPeer (address: string | undefined): boolean {
    return this.trusts(address, 0)
  }
}

/** Parses TRUST_PROXY: a hop count from 1 to 32, or a comma-separated list of addresses and networks; empty trusts nobody. */
export function parseTrust (text: string): TrustReading {
  const entries = text.split(',').map((part) => part.trim()).filter((part) => part !== '')
  const [first] = entries
  if (first !== undefined && entries.length === 1 && isCount(first)) return readHopCount(first)
  const ipv4 = new BlockList()
  const ipv6 = new BlockList()
  const faults: string[] = []
  for (const entry of entries) {
    const read = readNetwork(entry)
    if (read.fault !== undefined) faults.push(`TRUST_PROXY: "${entry}" ${read.fault}`)
    else if (read.family === 4) ipv4.addSubnet(read.address, read.bits, 'ipv4')
    else ipv6.addSubnet(read.address, read.bits, 'ipv6')
  }
  return { trust: faults.length === 0 ? new Trust(0, ipv4, ipv6) : new Trust(), faults }
}

/**
 * The client's address: X-Forwarded-For is followed from its end for as long as whoever wrote the entry is trusted. An entry
 * that is no IP address ends it at the last one that was; a port is cut off. IPv4-mapped addresses are given as IPv4, IPv6 zones
 * are cut off. `peer` comes back as it is if it is no IP address.
 */
export function clientOf (peer: string, forwardedFor: string | undefined, trust: Trust): string {
  let client = plainAddress(peer) ?? peer
  if (forwardedFor === undefined || !trust.trustsPeer(peer)) return client
  let rest = forwardedFor
  for (let hop = 1; hop <= MAX_FORWARDED_ENTRIES; hop++) {
    const comma = rest.lastIndexOf(',')
    const address = entryAddress(rest.slice(comma + 1).trim())
    if (address === undefined) return client
    client = address
    if (comma === -1 || !trust.trusts(address, hop)) return client
    rest = rest.slice(0, comma)
  }
  return client
}

function isCount (entry: string): boolean {
  return /^\d+$/.test(entry)
}

function readHopCount (entry: string): TrustReading {
  const hops = Number(entry)
  if (hops >= 1 && hops <= MAX_TRUSTED_HOPS) return { trust: new Trust(hops), faults: [] }
  const fault = `TRUST_PROXY: "${entry}" is no usable hop count: give a whole number from 1 to ${MAX_TRUSTED_HOPS}, or leave it empty to trust nobody`
  return { trust: new Trust(), faults: [fault] }
}

type ReadNetwork = { address: string, family: number, bits: number, fault?: undefined } | { fault: string }

function readNetwork (entry: string): ReadNetwork {
  if (isCount(entry)) return { fault: 'is a hop count in a list: give the hop count alone, or addresses only' }
  const slash = entry.indexOf('/')
  const address = slash === -1 ? entry : entry.slice(0, slash)
  const family = isIP(address)
  if (family === 0) return { fault: 'is not an IP address: give an address or a network such as 10.0.0.0/8 or 2001:db8::1, or a hop count alone' }
  if (address.includes('%')) return { fault: 'has a zone: leave out the "%" and what follows it' }
  const maxBits = family === 4 ? 32 : 128
  const bits = slash === -1 ? maxBits : readBits(entry.slice(slash + 1))
  if (bits === undefined || bits > maxBits) return { fault: `has no usable prefix length: give a whole number from 0 to ${maxBits} behind the "/"` }
  const plain = plainAddress(address) ?? address
  if (isIP(plain) === family) return { address, family, bits }
  if (bits < MAPPED_PREFIX_BITS) return { fault: `is an IPv4-mapped network: write it as IPv4, such as ${plain}/8` }
  return { address: plain, family: 4, bits: bits - MAPPED_PREFIX_BITS }
}

function readBits (text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined
}

/** An entry of X-Forwarded-For, with or without a port. */
function entryAddress (entry: string): string | undefined {
  const plain = plainAddress(entry)
  if (plain !== undefined) return plain
  const match = BRACKETS_OR_PORT.exec(entry)
  const bracketed = match?.[1]
  if (bracketed !== undefined) return isIPv6(bracketed) ? plainAddress(bracketed) : undefined
  return plainAddress(match?.[2] ?? '')
}

/** `text` without a zone, as IPv4 if it is IPv4-mapped; undefined if it is no IP address. */
function plainAddress (text: string): string | undefined {
  const family = isIP(text)
  if (family === 0) return undefined
  if (family === 4) return text
  const usual = USUAL_MAPPED.exec(text)?.[1]
  if (usual !== undefined) return usual
  const zone = text.indexOf('%')
  const address = zone === -1 ? text : text.slice(0, zone)
  if (!MAYBE_MAPPED.test(address)) return address
  // Its own spelling of a mapped address, and of no other that gets here, ends in a dotted IPv4 address.
  const inner = new SocketAddress({ address, family: 'ipv6' }).address.slice(MAPPED_PREFIX.length)
  return isIPv4(inner) ? inner : address
}
