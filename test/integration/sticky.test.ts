/** Sticky sessions: a cookie keeps a client to its backend as long as that is available. */
import { type Answered, answer, call, fieldValues, type Gateway, scenario, type Scenario, until, upgradeToEcho } from '../helper.ts'

const SECRET = 'a secret of the tests'
const ENV = { STICKY_COOKIE: 'to', STICKY_SECRET: SECRET }

/** What the client gets to keep of an answer. */
const setCookie = ({ headers }: Answered): string[] => headers['set-cookie'] ?? []

/** The cookie as the client sends it back. */
const cookieOf = (answered: Answered): string => setCookie(answered)[0]?.split(';')[0] ?? ''

/** Names who serves so many requests with this cookie. */
async function served (gateway: Gateway, cookie: string, count = 6): Promise<string> {
  let names = ''
  for (let i = 0; i < count; i++) names += (await call(gateway.url, { headers: { cookie } })).text
  return names
}

async function three (s: Scenario): Promise<[Awaited<ReturnType<Scenario['origin']>>, Awaited<ReturnType<Scenario['origin']>>, Awaited<ReturnType<Scenario['origin']>>]> {
  return [await s.origin('a'), await s.origin('b'), await s.origin('c')]
}

scenario('the cookie is set once, and whoever sends it stays where it is', async (s, t) => {
  const gateway = await s.gateway(await three(s), { env: ENV })
  const [first, second] = [await call(gateway.url), await call(gateway.url)]
  t.strictSame([first.text, second.text], ['a', 'b'])
  t.not(cookieOf(first), cookieOf(second))
  t.equal(await served(gateway, cookieOf(second)), 'bbbbbb')
  t.equal(await served(gateway, `x=y; ${cookieOf(first)}; z=`), 'aaaaaa')
  t.strictSame(setCookie(await call(gateway.url, { headers: { cookie: cookieOf(second) } })), [])
})

scenario('without STICKY_COOKIE there is no cookie', async (s, t) => {
  const gateway = await s.gateway(await three(s), { env: { STICKY_SECRET: SECRET } })
  t.strictSame(setCookie(await call(gateway.url)), [])
})

scenario('the cookie is kept from scripts and other sites, and tells nobody where the backend is', async (s, t) => {
  const [a] = await three(s)
  const gateway = await s.gateway([a], { env: ENV })
  t.match(setCookie(await call(gateway.url)), [/^to=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/])
})

const HTTPS: ReadonlyArray<readonly [fields: Readonly<Record<string, string>>, trusted: string, isSecure: boolean]> = [
  [{ 'x-forwarded-proto': 'https' }, '127.0.0.1', true],
  [{ 'x-forwarded-proto': 'HTTPS, http' }, '127.0.0.1', true],
  [{ forwarded: 'for=192.0.2.1;proto=https' }, '127.0.0.1', true],
  [{ 'x-forwarded-proto': 'https' }, '', false],
  [{ 'x-forwarded-proto': 'https' }, '10.0.0.0/8', false],
  [{ 'x-forwarded-proto': 'http, https' }, '127.0.0.1', false],
  [{ 'x-forwarded-proto': 'httpsx', 'x-forwarded-for': 'https' }, '127.0.0.1', false],
  [{ forwarded: 'for=192.0.2.1;proto=http, proto=https' }, '127.0.0.1', false],
  [{}, '127.0.0.1', false]
]

for (const [headers, TRUST_PROXY, isSecure] of HTTPS) {
  scenario(`the cookie is ${isSecure ? '' : 'not '}Secure if ${TRUST_PROXY === '' ? 'nobody' : TRUST_PROXY} is trusted, and the peer says ${JSON.stringify(headers)}`, async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')], { env: { ...ENV, TRUST_PROXY } })
    t.match(setCookie(await call(gateway.url, { headers })), [isSecure ? /; Secure(?:;|$)/ : /^(?!.*Secure)/])
  })
}

scenario('a tunnel keeps its client too', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', upgradeToEcho()), await s.scripted('b', upgradeToEcho())], { env: ENV })
  const client = await s.client(gateway)
  client.get('/', ['connection: upgrade', 'upgrade: echo'])
  const [cookie = ''] = fieldValues(await client.head(), 'set-cookie')
  t.match(cookie, /^to=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/)
  await client.leave()
  const again = await s.client(gateway)
  again.get('/', ['connection: upgrade', 'upgrade: echo', `cookie: ${cookie.split(';')[0]}`])
  t.strictSame(fieldValues(await again.head(), 'set-cookie'), [])
  await again.leave()
})

scenario('a cookie of the same name that is none of ours hides ours from nobody', async (s, t) => {
  const gateway = await s.gateway(await three(s), { env: ENV })
  const ours = cookieOf(await call(gateway.url))
  for (const cookie of [`to=junk; ${ours}`, `${ours}; to=junk`, `to=;x=to=junk;${ours}`]) t.equal(await served(gateway, cookie, 3), 'aaa', cookie)
})

scenario('with STICKY_MAX_AGE_S it says how long it is kept', async (s, t) => {
  const gateway = await s.gateway(await three(s), { env: { ...ENV, STICKY_MAX_AGE_S: '3600' } })
  t.match(setCookie(await call(gateway.url)), [/^to=[\w-]{22}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/])
})

scenario('when its backend goes down the client moves on, and keeps to the new one', async (s, t) => {
  const [a, b, c] = await three(s)
  const gateway = await s.gateway([a, b, c], { env: ENV })
  const first = await call(gateway.url)
  t.equal(first.text, 'a')
  gateway.app.pool.verdicts.judge(gateway.backend(a), false, 'declared by the test', Date.now())
  const moved = await call(gateway.url, { headers: { cookie: cookieOf(first) } })
  t.match(moved.text, /^[bc]$/)
  gateway.declareHealthy(a)
  t.equal(await served(gateway, cookieOf(moved)), moved.text.repeat(6))
})

scenario('when its backend refuses the client is served by another one, and keeps to that', async (s, t) => {
  const [a, b] = await three(s)
  const gateway = await s.gateway([a, b], { env: ENV })
  const first = await call(gateway.url)
  await a.stop()
  const moved = await call(gateway.url, { headers: { cookie: cookieOf(first) } })
  t.equal(moved.text, 'b')
  t.equal(await served(gateway, cookieOf(moved), 3), 'bbb')
})

scenario('a cookie that names no backend is as good as none', async (s, t) => {
  const [a, b] = await three(s)
  const gateway = await s.gateway([a, b], { env: ENV })
  for (const cookie of ['to=', 'to=x', `to=${'A'.repeat(22)}`, 'to=__proto__', 'to=%', 'to', ';;;', `to=${encodeURIComponent(a.url)}`]) {
    t.equal(setCookie(await call(gateway.url, { headers: { cookie } })).length, 1, cookie)
  }
  t.equal(await served(gateway, 'to=x', 4), 'abab')
})

scenario('two gateways with the same secret read each other\'s cookies, whatever their order; with another one they do not', async (s, t) => {
  const [a, b, c] = await three(s)
  const gateway = await s.gateway([a, b, c], { env: ENV })
  const same = await s.gateway([c, b, a], { env: ENV })
  const other = await s.gateway([a, b, c], { env: { ...ENV, STICKY_SECRET: 'another secret of the tests' } })
  await call(gateway.url)
  const second = await call(gateway.url)
  t.equal(second.text, 'b')
  t.equal(await served(same, cookieOf(second)), 'bbbbbb')
  t.equal(await served(other, cookieOf(second), 3), 'abc')
})

scenario('cookies that the backend sets are kept beside it', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'x', fields: ['set-cookie: one=1; Path=/x', 'Set-Cookie: two=2'] }))
  const gateway = await s.gateway([origin], { env: ENV })
  const answered = await call(gateway.url)
  const cookies = setCookie(answered)
  t.equal(cookies.length, 3)
  t.ok(cookies.includes('one=1; Path=/x') && cookies.includes('two=2') && cookies.some((cookie) => cookie.startsWith('to=')), cookies.join(' | '))
  const own = cookies.find((cookie) => cookie.startsWith('to='))?.split(';')[0] ?? ''
  t.strictSame(setCookie(await call(gateway.url, { headers: { cookie: own } })), ['one=1; Path=/x', 'two=2'])
})

scenario('an answer of any status and any length sets it; one of the gateway\'s own does not', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 204 }), answer({ status: 304 }), answer({ status: 500, body: 'no' }), answer({ body: 'x'.repeat(300_000) }))
  const gateway = await s.gateway([origin], { env: ENV })
  for (const status of [204, 304, 500, 200]) {
    const answered = await call(gateway.url)
    t.strictSame([answered.status, setCookie(answered).length], [status, 1])
  }
  const refused = await s.gateway([await s.refusing()], { env: ENV })
  const answered = await call(refused.url)
  t.strictSame([answered.status, setCookie(answered)], [502, []])
})

scenario('a full backend does not keep its clients waiting: they go to another one', async (s, t) => {
  const held: Array<() => void> = []
  const a = await s.origin('a', (_request, response) => { held.push(() => response.end('a')) })
  const b = await s.origin('b')
  const gateway = await s.gateway([a, b], { env: { ...ENV, BACKENDS: `${a.url} max=1, ${b.url}` } })
  const first = call(gateway.url)
  await until('a is full', () => held.length === 1)
  held[0]?.()
  const cookie = cookieOf(await first)
  const again = call(gateway.url, { headers: { cookie } })
  await until('a is full', () => held.length === 2)
  t.equal(await served(gateway, cookie, 2), 'bb')
  held[1]?.()
  t.equal((await again).text, 'a')
})
