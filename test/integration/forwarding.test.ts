/** What a backend is told of where a request came from: by the gateway alone, unless the peer is trusted (TRUST_PROXY). */
import {
  answer, call, type CallOptions, closeSession, fieldValues, type Gateway, http2Call, openSession, scenario, type Scenario, type ScriptedOrigin
} from '../helper.ts'

const FORWARDING = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-host', 'forwarded', 'via', 'x-request-id', 'x-real-ip', 'x-forwarded-user']

/** What somebody could say to be taken for somebody else. */
const SAID: Readonly<Record<string, string>> = {
  'X-Forwarded-For': '9.9.9.9',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'shop.example',
  'X-Forwarded-Port': '443',
  Forwarded: 'for=9.9.9.9;host=shop.example;proto=https',
  'X-Request-Id': 'id-of-somebody',
  'X-Real-IP': '9.9.9.9',
  'X-Forwarded-User': 'admin'
}

interface Arranged {
  readonly gateway: Gateway
  /** The fields of this kind that the backend gets: by name, in order. */
  readonly seen: (options?: CallOptions) => Promise<Record<string, string[]>>
}

async function arrange (s: Scenario, trust?: string): Promise<Arranged> {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { env: { TRUST_PROXY: trust } })
  const seen = async (options?: CallOptions): Promise<Record<string, string[]>> => {
    await call(gateway.url, options)
    return lastAt(origin)
  }
  return { gateway, seen }
}

function lastAt (origin: ScriptedOrigin): Record<string, string[]> {
  const head = origin.requests.at(-1)?.head
  const all = FORWARDING.map((name) => [name, head === undefined ? [] : fieldValues(head, name)] as const)
  return Object.fromEntries(all.filter(([, values]) => values.length > 0))
}

/** What the gateway says by itself. */
function own (gateway: Gateway, host = 'shop.test'): Record<string, string[]> {
  return {
    'x-forwarded-for': ['127.0.0.1'],
    'x-forwarded-proto': ['http'],
    'x-forwarded-port': [`${gateway.port}`],
    'x-forwarded-host': [host],
    forwarded: [`for=127.0.0.1;host=${/[^\w.]/.test(host) ? `"${host}"` : host};proto=http`],
    via: ['1.1 fastlancer']
  }
}

scenario('client, protocol, host and port are told in both ways, with an id that the log has too', async (s, t) => {
  const { gateway, seen } = await arrange(s)
  for (const [index, host] of ['shop.test', 'shop.test:8443', '[2001:db8::1]'].entries()) {
    const { 'x-request-id': ids, ...others } = await seen({ headers: { host } })
    t.same(others, own(gateway, host))
    t.match(ids, [/^[0-9a-f]{8}-\d+$/])
    t.equal((await gateway.logs.wait('request', index + 1)).at(-1)?.['reqId'], ids?.[0])
  }
})

scenario('a client of HTTP/1.0 without Host is told of without a host', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.0\r\n\r\n')
  await client.answer()
  t.match(lastAt(origin), { 'x-forwarded-for': ['127.0.0.1'], forwarded: ['for=127.0.0.1;proto=http'] })
  t.equal('x-forwarded-host' in lastAt(origin), false)
})

for (const trust of [undefined, '', '10.0.0.0/8', '::1, 192.0.2.1']) {
  scenario(`what strangers say is replaced (TRUST_PROXY=${trust ?? 'not set'})`, async (s, t) => {
    const { gateway, seen } = await arrange(s, trust)
    const { 'x-request-id': ids, ...others } = await seen({ headers: { ...SAID, host: 'shop.test' } })
    t.same(others, own(gateway))
    t.match(ids, [/^[0-9a-f]{8}-\d+$/])
  })
}

for (const trust of ['127.0.0.1', '10.0.0.0/8,127.0.0.0/8', '1', '32']) {
  scenario(`what a trusted peer says is kept, and this hop added (TRUST_PROXY=${trust})`, async (s, t) => {
    const { seen } = await arrange(s, trust)
    t.same(await seen({ headers: { ...SAID, host: 'shop.test' } }), {
      'x-forwarded-for': ['9.9.9.9, 127.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-port': ['443'],
      'x-forwarded-host': ['shop.example'],
      forwarded: ['for=9.9.9.9;host=shop.example;proto=https, for=127.0.0.1;proto=http'],
      via: ['1.1 fastlancer'],
      'x-request-id': ['id-of-somebody'],
      'x-real-ip': ['9.9.9.9'],
      'x-forwarded-user': ['admin']
    })
  })
}

scenario('a trusted peer that says nothing, or empty things, is told of like anybody', async (s, t) => {
  const { gateway, seen } = await arrange(s, '127.0.0.1')
  for (const headers of [{}, { 'x-forwarded-for': '', 'x-forwarded-proto': '', 'x-forwarded-port': '', 'x-forwarded-host': '', forwarded: '' }]) {
    const { 'x-request-id': ids, ...others } = await seen({ headers: { ...headers, host: 'shop.test' } })
    t.same(others, own(gateway))
    t.equal(ids?.length, 1)
  }
})

scenario('repeated fields of a trusted peer become one list, in order', async (s, t) => {
  const { seen } = await arrange(s, '127.0.0.1')
  const headers: Readonly<Record<string, string[]>> = { 'x-forwarded-for': ['1.1.1.1', '2.2.2.2, 3.3.3.3'], forwarded: ['for=1.1.1.1', 'for=2.2.2.2'] }
  t.match(await seen({ headers }), {
    'x-forwarded-for': ['1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1'],
    forwarded: ['for=1.1.1.1, for=2.2.2.2, for=127.0.0.1;proto=http']
  })
})

scenario('the id of a trusted peer is the request\'s id everywhere, if it is one', async (s, t) => {
  const { gateway, seen } = await arrange(s, '127.0.0.1')
  const idOf = async (given: string | string[]): Promise<string[] | undefined> => {
    const headers: Readonly<Record<string, string | string[]>> = { 'x-request-id': given }
    return (await seen({ headers }))['x-request-id']
  }
  for (const [index, id] of ['a', 'x'.repeat(128), '!~{}/+="'].entries()) {
    t.same(await idOf(id), [id])
    t.equal((await gateway.logs.wait('request', index + 1)).at(-1)?.['reqId'], id)
  }
  for (const id of ['', 'x'.repeat(129), 'two words', 'caf\xe9', ['one', 'two']]) t.match(await idOf(id), [/^[0-9a-f]{8}-\d+$/], String(id))
})

scenario('Via grows by this hop, whoever sent it', async (s, t) => {
  for (const trust of ['', '127.0.0.1']) {
    const { seen } = await arrange(s, trust)
    t.equal((await seen({ headers: { via: '1.0 fred, 1.1 p.example.com' } }))['via']?.join(', '), '1.0 fred, 1.1 p.example.com, 1.1 fastlancer')
  }
})

scenario('Via names the version of HTTP that the request came in', async (s, t) => {
  for (const trust of ['', '127.0.0.1']) {
    const origin = await s.scripted('a')
    const gateway = await s.gateway([origin], { env: { TRUST_PROXY: trust } })
    const client = await s.client(gateway)
    for (const version of ['1.1', '1.0', '1.1', '1.0']) {
      client.send(`GET / HTTP/${version}\r\nhost: a\r\nconnection: keep-alive\r\nx-forwarded-for: 9.9.9.9\r\n\r\n`)
      await client.answer()
      t.same(lastAt(origin)['via'], [`${version} fastlancer`])
    }
    const session = await openSession(gateway.url)
    s.atEnd(() => closeSession(session))
    await http2Call(session, { fields: ['x-forwarded-for', '9.9.9.9'] })
    t.same(lastAt(origin)['via'], ['2 fastlancer'])
  }
})

scenario('hooks see the client\'s address: the peer\'s, or what trusted peers say', async (s, t) => {
  const trusting = [[undefined, '127.0.0.1'], ['127.0.0.1', '8.8.8.8'], ['127.0.0.1,8.8.8.8', '9.9.9.9'], ['1', '8.8.8.8'], ['2', '9.9.9.9']] as const
  for (const [trust, expected] of trusting) {
    const ips: string[] = []
    const gateway = await s.gateway([await s.scripted('a', answer())], {
      env: { TRUST_PROXY: trust },
      extend: (app) => { app.addHook('onRequest', async ({ ip }) => { ips.push(ip) }) }
    })
    await call(gateway.url, { headers: { 'x-forwarded-for': '9.9.9.9, 8.8.8.8' } })
    t.same(ips, [expected], `TRUST_PROXY=${trust}`)
  }
})

scenario('the way of one request is not told of the next one on the same connection', async (s, t) => {
  const { gateway, seen } = await arrange(s, '127.0.0.1')
  const agent = s.agent()
  await seen({ agent, headers: { ...SAID, host: 'shop.example' } })
  const { 'x-request-id': ids, ...others } = await seen({ agent, headers: { host: 'shop.test' } })
  t.same(others, own(gateway))
  t.not(ids?.[0], 'id-of-somebody')
})
