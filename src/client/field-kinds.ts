/** What becomes of a request's field, by its name. Names are looked up as they came: most come again and again. */

/** What the gateway does with a field. */
export const FieldKind = {
  /** Goes on as it is. */
  plain: 0,
  /** Ends here: it speaks of this connection alone, or the gateway writes it anew. */
  ends: 1,
  /** Says where the request came from, or something to a gateway: believed only of those who are trusted. */
  forwarding: 2,
  host: 3,
  authority: 4,
  length: 5,
  coding: 6,
  connection: 7,
  expect: 8,
  te: 9,
  cookie: 10,
  upgrade: 11
} as const

export type FieldKind = typeof FieldKind[keyof typeof FieldKind]

const KINDS: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  // RFC 9110, section 7.6.1; HTTP2-Settings belongs to an upgrade that does not exist any more (RFC 9113, section 3.1).
  ...['keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'trailer', 'http2-settings']
    .map((name) => [name, FieldKind.ends] as const),
  // RFC 9440: the gateway alone says which certificate a client has shown.
  ...['client-cert', 'client-cert-chain'].map((name) => [name, FieldKind.ends] as const),
  ...['forwarded', 'x-request-id', 'x-real-ip'].map((name) => [name, FieldKind.forwarding] as const),
  ['host', FieldKind.host],
  [':authority', FieldKind.authority],
  ['content-length', FieldKind.length],
  ['transfer-encoding', FieldKind.coding],
  ['connection', FieldKind.connection],
  ['expect', FieldKind.expect],
  ['te', FieldKind.te],
  ['cookie', FieldKind.cookie],
  ['upgrade', FieldKind.upgrade]
])

/** A bound on what clients with ever new names can make us keep. */
const MAX_KNOWN_NAMES = 1_000
const MAX_KNOWN_NAME_LENGTH = 64

export class FieldKinds {
  readonly #known = new Map<string, FieldKind>()
  readonly #underscored: FieldKind

  /**
   * `underscores`: whether names with an underscore go on. CGI and what came after it write "-" as "_", so that X_User would
   * reach an application in the place of an X-User which the gateway vouches for.
   */
  constructor (underscores: 'drop' | 'pass') {
    this.#underscored = underscores === 'drop' ? FieldKind.ends : FieldKind.plain
  }

  of (name: string): FieldKind {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const kind = this.#find(name.toLowerCase())
    if (this.#known.size < MAX_KNOWN_NAMES && name.length <= MAX_KNOWN_NAME_LENGTH) this.#known.set(name, kind)
    return kind
  }

  #find (name: string): FieldKind {
    const kind = KINDS.get(name)
    if (kind !== undefined) return kind
    // The gateway's own names are no stranger's to use either: a gateway behind this one may believe them.
    if (name.startsWith('x-forwarded-') || name.startsWith('x-fastlancer-')) return FieldKind.forwarding
    if (name.startsWith(':')) return FieldKind.ends
    return name.includes('_') ? this.#underscored : FieldKind.plain
  }
}
