import t from 'tap'
import { pathOf, readTarget, type TargetRules } from '../../src/client/target.ts'

const STRICT: TargetRules = { maxTargetBytes: 8_192, pathPolicy: 'strict' }
const PASS: TargetRules = { ...STRICT, pathPolicy: 'pass' }

t.test('a path is taken as it is, with its query', async (t) => {
  for (const url of ['/', '/a%2Fb?x=%zz&y=../', '//double//slash', '/%e9', '/?', '/a??b', '/*', '/http://other.example/x', '/a:b@c', '/"<>']) {
    t.strictSame(readTarget('GET', url, STRICT), { path: url, authority: undefined })
  }
})

t.test('a URL of http or https gives its path, and its authority in place of Host', async (t) => {
  const targets = [
    ['http://shop.example/a%2Fb?c', '/a%2Fb?c', 'shop.example'],
    ['https://shop.example:8443/', '/', 'shop.example:8443'],
    ['HTTP://Shop.Example/', '/', 'Shop.Example'],
    ['http://shop.example', '/', 'shop.example'],
    ['http://shop.example?only=query', '/?only=query', 'shop.example'],
    ['http://shop.example?a/b', '/?a/b', 'shop.example'],
    ['http://shop.example//a', '//a', 'shop.example'],
    ['http://[2001:db8::1]:80/x', '/x', '[2001:db8::1]:80'],
    ['http://shop.example/http://other.example/', '/http://other.example/', 'shop.example']
  ] as const
  for (const [url, path, authority] of targets) t.strictSame(readTarget('GET', url, STRICT), { path, authority }, url)
})

t.test('"*", or a URL without path and query, means the server as a whole: with OPTIONS alone', async (t) => {
  t.strictSame(readTarget('OPTIONS', '*', STRICT), { path: '*', authority: undefined })
  t.strictSame(readTarget('OPTIONS', 'http://shop.example:81', STRICT), { path: '*', authority: 'shop.example:81' })
  t.strictSame(readTarget('OPTIONS', 'http://shop.example/', STRICT), { path: '/', authority: 'shop.example' })
  t.strictSame(readTarget('OPTIONS', 'http://shop.example?', STRICT), { path: '/?', authority: 'shop.example' })
  t.throws(() => readTarget('GET', '*', STRICT), { statusCode: 400, code: 'FL_TARGET_INVALID', message: /"\*" is for OPTIONS alone/ })
})

t.test('whatever else is refused', async (t) => {
  const neither = ['', 'a', 'a/b', '?a', '**', '*/', 'shop.example:443', 'ftp://a/', 'ws://a/', 'http:/a', 'http:a', ' /', '\\a', 'xhttp://a/']
  const withoutHost = [
    'http://', 'http:///a', 'http://?a', 'http://user@a/', 'http://user:password@a/', 'http://a,b/', 'http://a:99999/', 'http://a\\b/', 'http://::1/',
    'http://caf\xe9/'
  ]
  const withFragment = ['/a#b', '/#', '/?a#', 'http://a/#b', 'http://a#/b', '#']
  const targets = [
    ...neither.map((url) => [url, /is neither a path nor a URL/] as const),
    ...withoutHost.map((url) => [url, /has no valid host/] as const),
    ...withFragment.map((url) => [url, /has a fragment/] as const)
  ]
  for (const [url, message] of targets) {
    for (const method of ['GET', 'OPTIONS']) t.throws(() => readTarget(method, url, PASS), { statusCode: 400, code: 'FL_TARGET_INVALID', message }, url)
  }
})

t.test('a target longer than the rules allow is refused before it is looked at', async (t) => {
  const rules = { ...PASS, maxTargetBytes: 64 }
  t.equal(readTarget('GET', `/${'a'.repeat(63)}`, rules).path.length, 64)
  t.throws(() => readTarget('GET', `/${'a'.repeat(64)}`, rules), { statusCode: 414, code: 'FL_TARGET_TOO_LONG' })
  t.throws(() => readTarget('GET', '#'.repeat(65), rules), { statusCode: 414, code: 'FL_TARGET_TOO_LONG' })
  t.throws(() => readTarget('GET', `http://a/${'a'.repeat(60)}`, rules), { statusCode: 414, code: 'FL_TARGET_TOO_LONG' })
})

t.test('paths that can be read in two ways are refused by the strict policy, in either form, and passed by the other', async (t) => {
  for (const path of ['/a/../b', '/.', '/%2e%2e/', '/..%2fetc', '/a%5cb', '/a\\b', '/%00', '/..;/admin']) {
    for (const url of [path, `http://a${path}`]) {
      t.throws(() => readTarget('GET', url, STRICT), { statusCode: 400, code: 'FL_PATH_AMBIGUOUS' }, url)
      t.equal(readTarget('GET', url, PASS).path, path)
    }
  }
  for (const path of ['/a?b/../c', '/a?%00\\', '/...', '/a..b']) t.equal(readTarget('GET', path, STRICT).path, path)
})

t.test('the router gets a path for any target', async (t) => {
  const targets = [
    ['/a?b', '/a?b'], ['/', '/'], ['*', '/*'], ['http://a/b?c', '/b?c'], ['https://a', '/'], ['http://a?b', '/?b'],
    ['http:///x', '/x'], ['', '/'], ['nonsense', '/'], ['ftp://a/b', '/'], ['#', '/']
  ] as const
  for (const [url, path] of targets) t.equal(pathOf(url), path, url)
})
