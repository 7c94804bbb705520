import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { clientAddress, type HeaderRules, requestHeaders, responseFieldsToDrop } from '../../src/upstream/headers.ts'

const RULES: HeaderRules = { client: '192.0.2.1', host: undefined, keepLength: true }

/** A request as Node's server has it: what it makes of these fields when they are repeated is one list of values. */
function request (...rawHeaders: string[]): IncomingMessage {
  const message = new IncomingMessage(new Socket())
  message.rawHeaders = rawHeaders
  message.headers = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    const before = message.headers[name]
    message.headers[name] = before === undefined ? rawHeaders[i + 1] : `${String(before)}, ${rawHeaders[i + 1]}`
  }
  return message
}

/** What goes to the backend of a request with these headers, without what the gateway adds behind them. */
function copied (rawHeaders: readonly string[], rules: Partial<HeaderRules> = {}): string[] {
  const headers = requestHeaders(request(...rawHeaders), { ...RULES, ...rules })
  return headers.slice(0, headers.indexOf('x-forwarded-for'))
}

/** What the gateway adds, by name. */
function added (rawHeaders: readonly string[], rules: Partial<HeaderRules> = {}): Record<string, string> {
  const headers = requestHeaders(request(...rawHeaders), { ...RULES, ...rules })
  const pairs: Array<[string, string]> = []
  for (let i = headers.indexOf('x-forwarded-for'); i < headers.length; i += 2) pairs.push([headers[i] ?? '', headers[i + 1] ?? ''])
  return Object.fromEntries(pairs)
}

t.test('order, spelling and repeated fields go on as the client sent them', async (t) => {
  const raw = [
    'hOsT', 'shop.example', 'X-B', '2', 'x-a', '1', 'X-B', '3', 'Cookie', 'a=1', 'cookie', 'b=2', 'ACCEPT', '', 'Authorization', 'Basic eDp5',
    'Content-Type', 'text/plain', 'X-Latin', 'caf\u00e9', 'Forwarded', 'for=192.0.2.9', 'Via', '1.1 a'
  ]
  t.strictSame(copied(raw), raw)
})

t.test('a request without headers gets only what the gateway adds', async (t) => {
  t.strictSame(requestHeaders(request(), RULES), ['x-forwarded-for', '192.0.2.1', 'x-forwarded-proto', 'http'])
})

t.test('fields that are meant for one hop end at the gateway, however they are spelt', async (t) => {
  const names = [
    'Connection', 'Keep-Alive', 'Proxy-Authenticate', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Expect'
  ]
  for (const name of names) {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) t.strictSame(copied([spelt, 'x', 'X-Kept', '1']), ['X-Kept', '1'], spelt)
  }
})

t.test('names that are only as long as those go on', async (t) => {
  const raw = ['ab', '1', 'expecx', '2', 'trailex', '3', 'x-connect1', '4', 'x-forwarded-fox', '5', 'x-forwarded-hos', '6']
  t.strictSame(copied(raw), raw)
})

t.test('fields that Connection names end at the gateway too', async (t) => {
  t.strictSame(copied(['Connection', 'close, X-Hop ,x-OTHER', 'x-hop', '1', 'X-Other', '2', 'X-Kept', '3', 'X-HOP', '4']), ['X-Kept', '3'])
})

t.test('fields that several Connection headers name end at the gateway', async (t) => {
  t.strictSame(copied(['Connection', 'X-One', 'Connection', 'X-Two', 'X-One', '1', 'X-Two', '2', 'X-Three', '3']), ['X-Three', '3'])
})

t.test('Connection takes away neither Host nor Content-Length', async (t) => {
  const kept = ['Host', 'shop.example', 'Content-Length', '5']
  t.strictSame(copied(['Connection', 'host, Content-Length', ...kept]), kept)
})

t.test('Connection does not take away what the gateway adds', async (t) => {
  const raw = ['Host', 'shop.example', 'Connection', 'x-forwarded-for, x-forwarded-proto, x-forwarded-host', 'X-Forwarded-For', '198.51.100.7']
  t.strictSame(added(raw), { 'x-forwarded-for': '198.51.100.7, 192.0.2.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'shop.example' })
})

t.test('keep-alive and close name no field', async (t) => {
  for (const value of ['keep-alive', 'close', 'Keep-Alive']) {
    t.strictSame(copied(['Connection', value, 'Close', '1', 'X-Kept', '2']), ['Close', '1', 'X-Kept', '2'], value)
  }
})

t.test('the client\'s address is all of X-Forwarded-For when there was none', async (t) => {
  t.equal(added(['Host', 'a'])['x-forwarded-for'], '192.0.2.1')
})

t.test('the client\'s address is appended to the X-Forwarded-For that it sent, in one field', async (t) => {
  const raw = ['X-Forwarded-For', '198.51.100.7, 10.0.0.1', 'x-forwarded-for', '10.0.0.2']
  t.strictSame(copied(raw), [])
  t.equal(added(raw)['x-forwarded-for'], '198.51.100.7, 10.0.0.1, 10.0.0.2, 192.0.2.1')
})

t.test('X-Forwarded-Proto and X-Forwarded-Host of the client are replaced', async (t) => {
  const raw = ['Host', 'shop.example', 'X-Forwarded-Proto', 'https', 'x-forwarded-host', 'bank.example', 'X-Forwarded-Host', 'bank.example']
  t.strictSame(copied(raw), ['Host', 'shop.example'])
  t.match(added(raw), { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'shop.example' })
})

t.test('without a Host there is no X-Forwarded-Host, not even that of the client', async (t) => {
  const raw = ['X-Forwarded-Host', 'bank.example']
  t.strictSame(copied(raw), [])
  t.notOk('x-forwarded-host' in added(raw))
})

t.test('the host of an absolute target takes the place of Host', async (t) => {
  const raw = ['HOST', 'shop.example', 'X-Kept', '1']
  t.strictSame(copied(raw, { host: 'other.example:81' }), ['X-Kept', '1', 'host', 'other.example:81'])
  t.equal(added(raw, { host: 'other.example:81' })['x-forwarded-host'], 'other.example:81')
})

t.test('Content-Length does not go on when the body is another than the client\'s', async (t) => {
  t.strictSame(copied(['content-LENGTH', '5', 'X-Kept', '1'], { keepLength: false }), ['X-Kept', '1'])
})

t.test('of an answer the fields of one hop are dropped, and those that its Connection names', async (t) => {
  const usual = [
    'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'
  ]
  for (const connection of [undefined, 'keep-alive', 'close', 'Close']) {
    t.strictSame([...responseFieldsToDrop(connection)].filter((name) => name !== 'close').toSorted(), usual, String(connection))
  }
  t.strictSame([...responseFieldsToDrop('close, X-Hop')].filter((name) => name !== 'close').toSorted(), [...usual, 'x-hop'])
  t.strictSame([...responseFieldsToDrop(['X-One', 'x-two'])].toSorted(), [...usual, 'x-one', 'x-two'])
})

t.test('the Connection of an answer takes away neither its Content-Length nor fields that it does not name', async (t) => {
  const dropped = responseFieldsToDrop('content-length, x-hop')
  t.ok(dropped.has('x-hop'))
  t.notOk(dropped.has('content-length'))
  t.notOk(dropped.has('set-cookie'))
})

t.test('the client\'s address is written as IPv4 where a dual-stack listener has it mapped', async (t) => {
  const cases = [['192.0.2.1', '192.0.2.1'], ['::ffff:192.0.2.1', '192.0.2.1'], ['2001:db8::1', '2001:db8::1'], [undefined, 'unknown']] as const
  for (const [remoteAddress, written] of cases) {
    const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress })
    t.equal(clientAddress(new IncomingMessage(socket)), written)
  }
})
