import t from 'tap'
import { FieldKind, FieldKinds } from '../../src/client/field-kinds.ts'

const ENDING = [
  'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'trailer', 'http2-settings', 'client-cert', 'client-cert-chain',
  ':method', ':path', ':scheme', ':protocol'
]

const FORWARDING = ['forwarded', 'x-request-id', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-', 'x-forwarded-anything_else', 'x-fastlancer-explain', 'x-fastlancer-anything']

const PLAIN = [
  'accept', 'authorization', 'content-type', 'via', 'max-forwards', 'x-forward', 'x-forwarded', 'forwarded-for', 'x-real', 'x-request-idx', 'hosts',
  'connections', 'content-lengths', 'te-', 'origin', '__proto__', 'constructor'
]

const OWN: ReadonlyArray<readonly [name: string, kind: FieldKind]> = [
  ['host', FieldKind.host], [':authority', FieldKind.authority], ['content-length', FieldKind.length], ['transfer-encoding', FieldKind.coding],
  ['connection', FieldKind.connection], ['expect', FieldKind.expect], ['te', FieldKind.te], ['cookie', FieldKind.cookie], ['upgrade', FieldKind.upgrade]
]

const KINDS: ReadonlyArray<readonly [name: string, kind: FieldKind]> = [
  ...ENDING.map((name) => [name, FieldKind.ends] as const),
  ...FORWARDING.map((name) => [name, FieldKind.forwarding] as const),
  ...PLAIN.map((name) => [name, FieldKind.plain] as const),
  ...OWN
]

t.test('the name of a field decides, however it is written, the first time and later', async (t) => {
  const kinds = new FieldKinds('pass')
  for (let round = 0; round < 2; round++) {
    for (const [name, kind] of KINDS) {
      for (const spelling of [name, name.toUpperCase(), `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`]) t.equal(kinds.of(spelling), kind, spelling)
    }
  }
})

t.test('the kinds differ from each other', async (t) => {
  const values = Object.values(FieldKind)
  t.equal(new Set(values).size, values.length)
})

t.test('a plain name with an underscore ends here or goes on, as it was asked for; other kinds keep theirs', async (t) => {
  const [drop, pass] = [new FieldKinds('drop'), new FieldKinds('pass')]
  for (const name of ['x_user', 'X_User', '_', 'content_length', 'transfer_encoding', 'X_FORWARDED_FOR', 'x-a_b']) {
    t.equal(drop.of(name), FieldKind.ends, name)
    t.equal(pass.of(name), FieldKind.plain, name)
  }
  t.equal(drop.of('x-forwarded-a_b'), FieldKind.forwarding)
  t.equal(drop.of('x-user'), FieldKind.plain)
})

t.test('more names than are kept, and long ones, are told as well', async (t) => {
  const kinds = new FieldKinds('drop')
  const told = (stem: string): Set<FieldKind> => new Set(Array.from({ length: 2_000 }, (_, i) => kinds.of(`${stem}${i}`)))
  t.strictSame(told('x-plain-'), new Set([FieldKind.plain]))
  t.strictSame(told('x-forwarded-'), new Set([FieldKind.forwarding]))
  t.strictSame(told('x_bad_'), new Set([FieldKind.ends]))
  for (const [name, kind] of OWN) t.equal(kinds.of(name), kind)
  t.equal(kinds.of(`x-forwarded-${'x'.repeat(1_000)}`), FieldKind.forwarding)
  t.equal(kinds.of(`x${'_'.repeat(1_000)}`), FieldKind.ends)
})
