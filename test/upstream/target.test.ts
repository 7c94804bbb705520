import t from 'tap'
import { absoluteTarget } from '../../src/upstream/target.ts'

t.test('a target in absolute form is parted into host and path, byte for byte', async (t) => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ['http://example.com/a/b?c=d', 'example.com', '/a/b?c=d'],
    ['https://example.com:8443/', 'example.com:8443', '/'],
    ['HTTP://Example.COM/A', 'Example.COM', '/A'],
    ['http://[::1]:8080/x', '[::1]:8080', '/x'],
    ['http://example.com/a//b/../c/%2e%2E/%2F?x=%zz&y=a b', 'example.com', '/a//b/../c/%2e%2E/%2F?x=%zz&y=a b'],
    ['http://example.com/?u=http://other/#x', 'example.com', '/?u=http://other/#x'],
    ['http://example.com/a@b', 'example.com', '/a@b'],
    ['http://example.com/\u00e9\n', 'example.com', '/\u00e9\n']
  ]
  for (const [url, host, path] of cases) t.strictSame(absoluteTarget(url), { host, path }, url)
})

t.test('an absent path is the root', async (t) => {
  t.strictSame(absoluteTarget('http://example.com'), { host: 'example.com', path: '/' })
  t.strictSame(absoluteTarget('http://example.com?a=b'), { host: 'example.com', path: '/?a=b' })
})

t.test('what is neither a path nor an absolute URL cannot be forwarded', async (t) => {
  const targets = ['*', '', 'a', 'example.com:443', 'ftp://example.com/', 'http:', 'http://', 'http:///a', 'http:/a', 'http://?a', '//example.com/a']
  for (const url of targets) {
    t.throws(() => absoluteTarget(url), { code: 'FL_TARGET_NOT_FORWARDABLE', statusCode: 400, message: `"${url}"` }, url)
  }
})

t.test('a user in the authority is not forwarded as a part of Host', async (t) => {
  for (const url of ['http://user@example.com/', 'http://user:secret@example.com/', 'http://example.com@other/']) {
    t.throws(() => absoluteTarget(url), { code: 'FL_TARGET_NOT_FORWARDABLE' }, url)
  }
})

t.test('a fragment behind the host is refused', async (t) => {
  t.throws(() => absoluteTarget('http://example.com#a'), { code: 'FL_TARGET_NOT_FORWARDABLE' })
})
