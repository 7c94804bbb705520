import t from 'tap'
import { isValidHost } from '../../src/wire/host.ts'

const HOSTS = [
  'a', 'example.com', 'EXAMPLE.com.', 'a-b_c.example', '~', '.', 'xn--bcher-kva.example', '192.0.2.1', '256.1.1.1', '1', '%41', 'a%2fb', 'caf%C3%A9.example',
  'a!b', 'a$b', 'a&b', 'a\'b', 'a(b', 'a)b', 'a*b', 'a+b', 'a;b', 'a=b', '*.example',
  '[::1]', '[::]', '[2001:db8::1]', '[2001:DB8:0:0:0:0:0:1]', '[::ffff:192.0.2.1]', '[v1.a]', '[vF0.a:b]', '[V1.~!$&\'()*+;=:-_]'
]

const NO_HOSTS = [
  '', ' ', 'a b', ' a', 'a ', 'a\t', 'a\n', '\na', 'a\r\nb', 'a,b', 'a, b', ',', 'a%2', 'a%', '%zz', '%4', 'a%4g', 'a@b', 'user:pw@a', '@a',
  'a/b', '/', 'a?b', 'a#b', 'http://a',
  'a\\b', 'a"b', '<a>', 'a|b', 'a^b', 'a`b', '{a}', 'caf\u00e9', '\u212a', '\u017f', '\0', 'a\0', '\u007f',
  '[', ']', '[]', '[::1', '::1]', '::1', '2001:db8::1', '[::1]a', 'a[::1]', '[[::1]]', '[::1][::1]', '[1.2.3.4]', '[a]', '[::g]', '[:::]',
  '[1:2:3:4:5:6:7:8:9]', '[fe80::1%eth0]', '[fe80::1%25eth0]', '[::1 ]', '[v.a]', '[v1.]', '[v1a]', '[vg.a]', '[v1.a,b]', '[v1.a/b]', '[v1.%41]', '[1.a]'
]

const PORTS = ['', ':', ':0', ':1', ':80', ':080', ':8080', ':0000000080', ':59999', ':60000', ':65535', ':065535']

const NO_PORTS = [
  ':65536', ':70000', ':99999', ':100000', ':9'.padEnd(400, '9'), ':a', ':8a', ':-1', ':+1', ':8.0', ': 80', ':80 ', ':80\n', '::', ':80:80', ':0x50',
  ':1e3', ':\u0661', ':80,80'
]

t.test('a name, an IPv4 address or an IP-literal is a host, with or without a port up to 65535', async (t) => {
  for (const host of HOSTS) {
    for (const port of PORTS) t.equal(isValidHost(host + port), true, JSON.stringify(host + port))
  }
})

t.test('nothing else is a host, with or without a port', async (t) => {
  for (const host of NO_HOSTS) {
    for (const port of ['', ':', ':80', ':65535']) t.equal(isValidHost(host + port), false, JSON.stringify(host + port))
  }
})

t.test('a port that is no number up to 65535 is refused', async (t) => {
  for (const host of ['example.com', '192.0.2.1', 'a%41', '[::1]', '[v1.a]']) {
    for (const port of NO_PORTS) t.equal(isValidHost(host + port), false, JSON.stringify(host + port))
  }
})

t.test('of all single characters only those of reg-name are a host', async (t) => {
  const allowed = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&\'()*+;='
  for (let code = 0; code < 0x2200; code++) {
    const text = String.fromCharCode(code)
    if (isValidHost(text) !== allowed.includes(text)) t.fail(`U+${code.toString(16)}`)
  }
})

t.test('a long text is judged in time that grows with its length', async (t) => {
  for (const part of ['a', '%41', ':', '[', ']', '1.', 'a%']) {
    const text = part.repeat(100_000)
    t.equal(isValidHost(`${text} `), false, part)
    t.equal(isValidHost(`[v1.${text}`), false, part)
  }
})
