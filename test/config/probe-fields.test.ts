import t from 'tap'
import { parseProbeFields } from '../../src/config/probe-fields.ts'

t.test('fields stand in the order given, with names in lower case and without blanks around values', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, fields: readonly string[]]> = [
    ['', []],
    [' ; ', []],
    ['A: b', ['a', 'b']],
    ['X-One:1;  x-two:  2 3\t; ', ['x-one', '1', 'x-two', '2 3']],
    ['x-empty:', ['x-empty', '']],
    ['x-url: http://a:8080/?b=c', ['x-url', 'http://a:8080/?b=c']],
    ['user-agent: my probe; cookie: a=1', ['user-agent', 'my probe', 'cookie', 'a=1']]
  ]
  for (const [text, fields] of cases) t.strictSame(parseProbeFields(text), { fields, faults: [] }, text)
})

t.test('a semicolon within a value is written twice, wherever it stands', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, fields: readonly string[]]> = [
    ['accept: text/html;;q=0.9; b: c', ['accept', 'text/html;q=0.9', 'b', 'c']],
    ['cookie: a=1;; b=2', ['cookie', 'a=1; b=2']],
    ['a: b;;;c: d', ['a', 'b;', 'c', 'd']],
    ['a: ;;;;; c: d', ['a', ';;', 'c', 'd']],
    ['a: b;;c: d', ['a', 'b;c: d']]
  ]
  for (const [text, fields] of cases) t.strictSame(parseProbeFields(text), { fields, faults: [] }, text)
})

t.test('what is no field is refused by its number, since it may be half of a secret', async (t) => {
  for (const entry of ['secret', ': secret', 'a b: secret', 'x-a : secret', '"a": secret', 'a\u00e4: secret', '(a): secret']) {
    t.strictSame(parseProbeFields(`ok: 1; ${entry}`), {
      fields: ['ok', '1'],
      faults: ['HEALTH_HEADERS: field 2 is not "name: value": write a ";" within a value twice']
    }, entry)
  }
})

t.test('fields of the connection and of the framing are refused, however they are spelt', async (t) => {
  const names = ['Connection', 'Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'HTTP2-Settings', 'Content-Length', 'Expect', 'Host']
  for (const name of names) {
    const { fields, faults } = parseProbeFields(`${name}: x`)
    t.strictSame(fields, [], name)
    t.match(faults, [new RegExp(`^HEALTH_HEADERS: "${name.toLowerCase()}" .*: leave it out$`)], name)
  }
})

t.test('a name that comes twice is refused', async (t) => {
  t.strictSame(parseProbeFields('a: 1; A: 2'), { fields: ['a', '1'], faults: ['HEALTH_HEADERS: "a" is there twice: put its values into one, with a comma between them'] })
})

t.test('a value that cannot be sent in every version of HTTP is refused, and not repeated', async (t) => {
  for (const character of ['\u00e4', '\u20ac', '\u0000', '\n', '\r', '\u007f']) {
    t.strictSame(parseProbeFields(`authorization: se${character}cret`), {
      fields: [],
      faults: ['HEALTH_HEADERS: the value of "authorization" holds a character that is not printable ASCII: leave it out']
    }, JSON.stringify(character))
  }
})

t.test('every fault is named, beside the fields that can be used', async (t) => {
  const { fields, faults } = parseProbeFields('host: a; b: c; nonsense; te: x')
  t.strictSame(fields, ['b', 'c'])
  t.match(faults, [/"host" is said by HEALTH_HOST/, /field 3 /, /"te" belongs to the connection/])
  t.equal(faults.length, 3)
})
