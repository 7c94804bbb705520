/** What requests are keyed by: read from requests as they come over the wire. */
import type { Test } from 'tap'
import { requestKey } from '../../src/upstream/request-key.ts'
import { hashText } from '../../src/pool/hash.ts'
import { type Gateway, scenario, type Scenario } from '../helper.ts'

/** The key of one that has nothing to be keyed by. */
const RANDOM_KEY = 2 ** 31

/** A gateway that notes the key of each request. */
async function keyed (s: Scenario, source: string, env: Readonly<Record<string, string>> = {}): Promise<{ gateway: Gateway, keys: number[] }> {
  const keys: number[] = []
  const keyOf = requestKey(source, () => 0.5)
  const gateway = await s.gateway([await s.origin('a')], {
    env,
    extend: (app) => { app.addHook('preHandler', async (request) => { keys.push(keyOf(request)) }) }
  })
  return { gateway, keys }
}

/** Sends requests for these targets with these fields, and compares their keys with those of the texts; undefined: a random one. */
async function expectKeys (s: Scenario, t: Test, source: string, requests: ReadonlyArray<readonly [target: string, fields: readonly string[], text: string | undefined]>): Promise<void> {
  const { gateway, keys } = await keyed(s, source)
  const client = await s.client(gateway)
  for (const [target, fields, text] of requests) {
    client.get(target, [...fields])
    t.equal((await client.answer()).status, 200, target)
    t.equal(keys.at(-1), text === undefined ? RANDOM_KEY : hashText(text), `${target} ${fields.join()}`)
  }
}

scenario('header: the value, whatever the case of its name', async (s, t) => {
  await expectKeys(s, t, 'header:X-User', [
    ['/', ['x-user: ann'], 'ann'], ['/', ['X-USER: ann'], 'ann'], ['/', ['X-User: Ann'], 'Ann'], ['/', ['X-User: a', 'X-User: b'], 'a, b'], ['/', ['X-User: '], undefined], ['/', [], undefined]
  ])
})

scenario('a name that objects have by themselves is no header, and no cookie', async (s, t) => {
  await expectKeys(s, t, 'header:__proto__', [['/', [], undefined]])
  await expectKeys(s, t, 'header:constructor', [['/', [], undefined], ['/', ['constructor: x'], 'x']])
  await expectKeys(s, t, 'cookie:constructor', [['/', ['cookie: a=b'], undefined], ['/', ['cookie: constructor=x'], 'x']])
  await expectKeys(s, t, 'cookie:__proto__', [['/', ['cookie: a=b'], undefined]])
})

scenario('cookie: the value of the one with this name', async (s, t) => {
  await expectKeys(s, t, 'cookie:id', [
    ['/', ['cookie: id=1'], '1'], ['/', ['cookie: a=b; id=1; c=d'], '1'], ['/', ['cookie: ID=1; xid=2'], undefined], ['/', ['cookie: id='], undefined], ['/', ['cookie: ;;='], undefined], ['/', [], undefined]
  ])
})

scenario('query: the first parameter of this name, decoded', async (s, t) => {
  await expectKeys(s, t, 'query:id', [
    ['/?id=1', [], '1'], ['/x?a=b&id=1&id=2', [], '1'], ['/?id=%C3%A4+b', [], '\u00e4 b'], ['/?xid=1', [], undefined], ['/?id=', [], undefined], ['/?', [], undefined], ['/id=1', [], undefined]
  ])
})

scenario('path: the target without its query, in whichever form it came', async (s, t) => {
  await expectKeys(s, t, 'path', [['/a/b', [], '/a/b'], ['/a/b?c', [], '/a/b'], ['/', [], '/'], ['/A/b', [], '/A/b'], ['/a%20b', [], '/a%20b'], ['http://x/a/b?c', [], '/a/b']])
})

scenario('client: the address, and behind a trusted proxy the one that it names', async (s, t) => {
  await expectKeys(s, t, 'client', [['/', [], '127.0.0.1'], ['/', ['x-forwarded-for: 10.1.2.3'], '127.0.0.1']])
  const { gateway, keys } = await keyed(s, 'client', { TRUST_PROXY: '127.0.0.1' })
  const client = await s.client(gateway)
  client.get('/', ['x-forwarded-for: 10.1.2.3'])
  await client.answer()
  t.strictSame(keys, [hashText('10.1.2.3')])
})
