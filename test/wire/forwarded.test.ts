import t from 'tap'
import { forwardedElement } from '../../src/wire/forwarded.ts'

const REQUEST = { client: '192.0.2.1', proto: 'http', host: 'example.com' }

t.test('client, host and scheme are named, unquoted where they are tokens', async (t) => {
  t.equal(forwardedElement(REQUEST), 'for=192.0.2.1;host=example.com;proto=http')
  t.equal(forwardedElement({ ...REQUEST, proto: 'https' }), 'for=192.0.2.1;host=example.com;proto=https')
})

t.test('without a host none is named', async (t) => {
  t.equal(forwardedElement({ ...REQUEST, host: undefined }), 'for=192.0.2.1;proto=http')
})

t.test('an IPv6 address is quoted, in brackets and without its zone', async (t) => {
  const cases = [
    ['2001:db8::1', '"[2001:db8::1]"'], ['::1', '"[::1]"'], ['::ffff:192.0.2.1', '"[::ffff:192.0.2.1]"'], ['fe80::1%eth0', '"[fe80::1]"']
  ] as const
  for (const [client, written] of cases) t.equal(forwardedElement({ ...REQUEST, client }), `for=${written};host=example.com;proto=http`)
})

t.test('a client that is no IP address is unknown', async (t) => {
  for (const client of ['', 'unknown', '_hidden', '1.2.3', '192.0.2.1:80', '[::1]', '1.2.3.4;by=x', '"', '256.0.0.1', ' 192.0.2.1']) {
    t.equal(forwardedElement({ ...REQUEST, client }), 'for=unknown;host=example.com;proto=http', client)
  }
})

t.test('a host is quoted where it is no token', async (t) => {
  const cases = [
    ['example.com:8080', '"example.com:8080"'], ['[::1]', '"[::1]"'], ['[::1]:80', '"[::1]:80"'], ['a;b', '"a;b"'], ['a=b', '"a=b"'], ['a,b', '"a,b"'],
    ['a(b)', '"a(b)"'], ['a b', '"a b"'], ['', '""'], ['caf\u00e9', '"caf\u00e9"'], ['a/b', '"a/b"'], ['a@b', '"a@b"'],
    ['!#$%&\'*+-.^_`|~09AZaz', '!#$%&\'*+-.^_`|~09AZaz'], ['127.0.0.1', '127.0.0.1'], ['localhost', 'localhost']
  ] as const
  for (const [host, written] of cases) t.equal(forwardedElement({ ...REQUEST, host }), `for=192.0.2.1;host=${written};proto=http`, host)
})

t.test('quotes and backslashes are escaped, so that a host cannot add pairs of its own', async (t) => {
  const cases = [
    ['a"b', '"a\\"b"'], ['a\\b', '"a\\\\b"'], ['a";for=10.0.0.1;x="', '"a\\";for=10.0.0.1;x=\\""'], ['\\"', '"\\\\\\""'], ['$&"', '"$&\\""']
  ] as const
  for (const [host, written] of cases) t.equal(forwardedElement({ ...REQUEST, host }), `for=192.0.2.1;host=${written};proto=http`, host)
})

t.test('a scheme that is no token is quoted too', async (t) => {
  t.equal(forwardedElement({ ...REQUEST, proto: 'ht"tp' }), 'for=192.0.2.1;host=example.com;proto="ht\\"tp"')
})
