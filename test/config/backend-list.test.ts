import t from 'tap'
import { parseBackendList } from '../../src/config/backend-list.ts'

t.test('origins are kept in the order given', async (t) => {
  t.strictSame(parseBackendList('http://b:8082,http://a:8081,https://c:8443'), {
    backends: ['http://b:8082', 'http://a:8081', 'https://c:8443'].map((url) => ({ url })),
    faults: []
  })
})

t.test('blanks around entries and empty entries are passed over', async (t) => {
  t.strictSame(parseBackendList(' http://a:8081 ,, \thttp://b:8082,\n'), { backends: [{ url: 'http://a:8081' }, { url: 'http://b:8082' }], faults: [] })
})

t.test('an origin is normalised', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['http://a:8081/', 'http://a:8081'],
    ['HTTP://Example.COM:8081', 'http://example.com:8081'],
    ['http://a:80', 'http://a'],
    ['https://a:443', 'https://a'],
    ['https://a:80', 'https://a:80'],
    ['http://[::1]:8081', 'http://[::1]:8081'],
    ['http://a:1', 'http://a:1'],
    ['http://a:65535', 'http://a:65535']
  ]
  for (const [text, origin] of cases) t.strictSame(parseBackendList(text), { backends: [{ url: origin }], faults: [] }, text)
})

t.test('a list without an entry is a fault', async (t) => {
  for (const text of ['', '   ', ' , ,']) {
    t.strictSame(parseBackendList(text), {
      backends: [],
      faults: ['BACKENDS: the list is empty: name at least one backend, such as http://127.0.0.1:8081']
    }, JSON.stringify(text))
  }
})

t.test('what is not the URL of an origin is refused, with what to change', async (t) => {
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['localhost:8081', /^BACKENDS: "localhost:8081" is not a URL of a backend: start it with http:\/\/ or https:\/\/ \(h2c:\/\/ or h2:\/\/ for HTTP\/2\)$/],
    ['127.0.0.1', /is not a URL of a backend/],
    ['ftp://a:21', /is not a URL of a backend/],
    ['http:a', /is not a URL of a backend/],
    ['http:///a', /is not a URL of a backend/],
    ['http://', /is not a URL of a backend/],
    ['http://a\\b', /holds a backslash/],
    ['http://a:65536', /is not a valid URL: .* a port from 1 to 65535$/],
    ['http://a:-1', /is not a valid URL/],
    ['http://a:http', /is not a valid URL/],
    ['http://:8081', /is not a valid URL/],
    ['http://[::1', /is not a valid URL/],
    ['http://a:0', /has port 0: give a port from 1 to 65535$/]
  ]
  for (const [text, fault] of cases) {
    const list = parseBackendList(text)
    t.strictSame(list.backends, [], text)
    t.equal(list.faults.length, 1, text)
    t.match(list.faults[0], fault)
  }
})

t.test('a path, a query or a fragment is refused, even an empty query', async (t) => {
  for (const text of ['http://a/api', 'http://a//', 'http://a?x=1', 'http://a/?', 'http://a#top', 'http://a/#']) {
    const { backends, faults } = parseBackendList(text)
    t.strictSame(backends, [], text)
    t.match(faults, [/ has a path, a query or a fragment: /], text)
  }
})

t.test('a user or a password is refused, and not repeated in the fault', async (t) => {
  const { backends, faults } = parseBackendList('http://admin:s3cret@a:8081,https://token@b')
  t.strictSame(backends, [])
  t.strictSame(faults, [
    'BACKENDS: "http://***@a:8081" carries a user or a password: leave them out',
    'BACKENDS: "https://***@b" carries a user or a password: leave them out'
  ])
})

t.test('two equal backends are a fault, however they are spelt', async (t) => {
  const { backends, faults } = parseBackendList('http://a,HTTP://A:80/')
  t.strictSame(backends, [{ url: 'http://a' }])
  t.strictSame(faults, ['BACKENDS: "HTTP://A:80/" is listed twice: name each backend once'])
})

t.test('one host under two ports or two schemes is two backends', async (t) => {
  t.strictSame(parseBackendList('http://a:8081,http://a:8082,https://a:8081').faults, [])
})

t.test('a backend of HTTP/2 is normalised like any other: without TLS its default port is 80, with TLS 443', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['h2c://a:8081', 'h2c://a:8081'],
    ['h2://a:8443', 'h2://a:8443'],
    ['H2C://Example.COM/', 'h2c://example.com'],
    ['H2://Example.COM:8443/', 'h2://example.com:8443'],
    ['h2c://a:80', 'h2c://a'],
    ['h2c://a:443', 'h2c://a:443'],
    ['h2://a:443', 'h2://a'],
    ['h2://a:80', 'h2://a:80'],
    ['h2c://[::1]:8081', 'h2c://[::1]:8081'],
    ['h2://[::1]', 'h2://[::1]']
  ]
  for (const [text, origin] of cases) t.strictSame(parseBackendList(text), { backends: [{ url: origin }], faults: [] }, text)
})

t.test('what is wrong with a backend of HTTP/1.1 is wrong with one of HTTP/2', async (t) => {
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['h2c://', /is not a URL of a backend/],
    ['h2c:a', /is not a URL of a backend/],
    ['h2:///a', /is not a URL of a backend/],
    ['h2s://a', /is not a URL of a backend/],
    ['h3://a', /is not a URL of a backend/],
    ['h2c://a b', /"h2c:\/\/a" is followed by "b": it can be weight=NUMBER/],
    ['h2://a:65536', /is not a valid URL/],
    ['h2c://a:0', /has port 0/],
    ['h2://a/api', /has a path, a query or a fragment/],
    ['h2c://a?x', /has a path, a query or a fragment/],
    ['h2://u:secret@a', /^BACKENDS: "h2:\/\/\*\*\*@a" carries a user or a password/],
    ['h2c://u:secret@a', /^BACKENDS: "h2c:\/\/\*\*\*@a" carries a user or a password/]
  ]
  for (const [text, fault] of cases) {
    const list = parseBackendList(text)
    t.strictSame(list.backends, [], text)
    t.equal(list.faults.length, 1, text)
    t.match(list.faults[0], fault, text)
  }
})

t.test('two equal backends of HTTP/2 are a fault; one host with two protocols is two backends', async (t) => {
  t.match(parseBackendList('h2c://a,H2C://A:80/').faults, [/"H2C:\/\/A:80\/" is listed twice/])
  t.strictSame(parseBackendList('http://a:8081,h2c://a:8081,https://a:8081,h2://a:8081').faults, [])
})

t.test('every fault of a list is named, beside the origins that can be used', async (t) => {
  const { backends, faults } = parseBackendList('nonsense,http://a:8081,http://b:0,http://a:8081')
  t.strictSame(backends, [{ url: 'http://a:8081' }])
  t.match(faults, [/"nonsense"/, /"http:\/\/b:0"/, /"http:\/\/a:8081" is listed twice/])
  t.equal(faults.length, 3)
})

t.test('a password does not reach the log, wherever it stands', async (t) => {
  for (const entry of ['user:secret@host:8081', 'http://u:secret/x@host:8081', 'http://u:p@secret@host', 'http://u:secret@host/path', 'ftp://u:secret@host', 'h2c://u:secret@host:x']) {
    const { faults } = parseBackendList(entry)
    t.equal(faults.length, 1, entry)
    t.notMatch(faults[0] ?? '', /secret/, entry)
  }
})

t.test('behind a backend stands what is said of it, in any order', async (t) => {
  const { backends, faults } = parseBackendList('http://a weight=2 max=100, http://b  backup , http://c priority=3\tweight=1000, http://d max=1 backup weight=1, http://e')
  t.strictSame(faults, [])
  t.strictSame(backends, [
    { url: 'http://a', weight: 2, maxInFlight: 100 },
    { url: 'http://b', priority: 1 },
    { url: 'http://c', priority: 3, weight: 1_000 },
    { url: 'http://d', maxInFlight: 1, priority: 1, weight: 1 },
    { url: 'http://e' }
  ])
})

t.test('a number beyond its bounds, or that is none, is refused with these', async (t) => {
  const cases: ReadonlyArray<readonly [word: string, bounds: string]> = [
    ...['0', '1001', '-1', '1.5', '', 'x', '1e2', '0x1', '+1'].map((value) => [`weight=${value}`, '1 to 1000'] as const),
    ...['101', '-1', ''].map((value) => [`priority=${value}`, '0 to 100'] as const),
    ...['0', '1000001', '9'.repeat(400)].map((value) => [`max=${value}`, '1 to 1000000'] as const)
  ]
  for (const [word, bounds] of cases) {
    t.strictSame(parseBackendList(`http://a ${word}`), { backends: [], faults: [`BACKENDS: "http://a" has ${word}: it has to be a whole number from ${bounds}`] })
  }
  t.strictSame(parseBackendList('http://a weight=1 priority=0 max=1,http://b weight=1000 priority=100 max=1000000').faults, [])
})

t.test('a word that is not known is refused with those that are', async (t) => {
  for (const word of ['WEIGHT=2', 'probe', 'Probe=http://b', 'wieght=2', 'weight', 'weight:2', 'backup=1', 'Backup', '=', 'http://b']) {
    t.strictSame(parseBackendList(`http://a ${word}`), {
      backends: [],
      faults: [`BACKENDS: "http://a" is followed by "${word}": it can be weight=NUMBER, priority=NUMBER, max=NUMBER, probe=URL or backup, and the next backend stands behind a comma`]
    })
  }
})

t.test('what is said twice is refused, backup and a priority too', async (t) => {
  for (const [words, name] of [['weight=1 weight=1', 'weight'], ['backup priority=2', 'priority'], ['priority=2 backup', 'priority'], ['backup backup', 'priority'], ['max=1 max=2', 'max'], ['probe=http://b probe=http://c', 'probe']] as const) {
    t.strictSame(parseBackendList(`http://a ${words}`).faults, [`BACKENDS: "http://a" has ${name} twice: say it once`], words)
  }
})

t.test('every fault of a backend is named, and the others can be used', async (t) => {
  const { backends, faults } = parseBackendList('http://a weight=0 hello, http://b weight=2')
  t.strictSame(backends, [{ url: 'http://b', weight: 2 }])
  t.match(faults, [/"http:\/\/a" has weight=0/, /"http:\/\/a" is followed by "hello"/])
  t.equal(faults.length, 2)
})

t.test('one backend is one backend, whatever is said of it', async (t) => {
  t.strictSame(parseBackendList('http://a weight=1,http://a:80 backup').faults, ['BACKENDS: "http://a:80" is listed twice: name each backend once'])
})

t.test('a password behind a backend does not reach the log either', async (t) => {
  for (const word of ['http://u:secret@b', 'max=http://u:secret@b', 'weight=u:secret@b', 'probe=http://u:secret@b', 'probe=http://u:se/secret@b', 'probe=u:secret@b']) {
    const { faults } = parseBackendList(`http://a ${word}`)
    t.equal(faults.length, 1, word)
    t.notMatch(faults[0] ?? '', /secret/, word)
  }
})

t.test('a probe may go elsewhere: to another scheme, host, port or path', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, probe: string]> = [
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
    ['HTTPS://Example.COM:443', 'https://example.com'],
    ['http://a:80/Health?deep=1&x=%20', 'http://a/Health?deep=1&x=%20'],
    ['http://a/', 'http://a/'],
    ['http://a/x/../y', 'http://a/x/../y'],
    ['http://a/@b', 'http://a/@b'],
    ['h2c://[::1]:9000/x', 'h2c://[::1]:9000/x'],
    ['h2://a:443', 'h2://a']
  ]
  for (const [text, probe] of cases) t.strictSame(parseBackendList(`http://b weight=2 probe=${text}, http://c`), { backends: [{ url: 'http://b', weight: 2, probe }, { url: 'http://c' }], faults: [] }, text)
})

t.test('a URL that no probe can go to is refused, with what to change', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, fault: RegExp]> = [
    ['', /has probe=: its URL is not a URL of a backend: start it with http:\/\//],
    ['/health', /its URL is not a URL of a backend/],
    ['9000', /its URL is not a URL of a backend/],
    ['tcp://a:9000', /its URL is not a URL of a backend/],
    ['http://', /its URL is not a URL of a backend/],
    ['http:///x', /its URL is not a URL of a backend/],
    ['http://a:0/x', /its URL has port 0/],
    ['http://a:65536/x', /its URL is not a valid URL/],
    ['http://a\\b/x', /its URL holds a backslash/],
    ['http://u:p@a/x', /its URL carries a user or a password/],
    ['http://a?x', /its URL has a path that does not start with "\/"/],
    ['http://a/\u00e4', /its URL has a path that does not start with "\/", or is not printable ASCII/],
    ['http://a/x#y', /its URL has a fragment/],
    ['http://a#y', /its URL has a path that does not start/]
  ]
  for (const [text, fault] of cases) {
    const { backends, faults } = parseBackendList(`http://b probe=${text}`)
    t.strictSame(backends, [], text)
    t.equal(faults.length, 1, text)
    t.match(faults[0], fault, text)
  }
})

t.test('what is wrong with a probe is named beside all that is wrong with its backend', async (t) => {
  t.match(parseBackendList('http://a probe=x weight=0 probe=http://b/# hello').faults, [/has probe=x: its URL/, /has weight=0/, /its URL has a fragment/, /followed by "hello"/])
})
