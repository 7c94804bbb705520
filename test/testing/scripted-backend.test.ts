/** Backends of the public kit before a whole gateway. */
import t, { type Test } from 'tap'
import { createApp } from '../../src/index.ts'
import { ScriptedBackend, type ScriptedBackendOptions } from '../../src/testing/index.ts'

interface Arranged {
  readonly backends: readonly ScriptedBackend[]
  /** Status and body of a request through the gateway. */
  readonly get: (path: string) => Promise<string>
}

async function arrange (t: Test, options: readonly ScriptedBackendOptions[], env: Readonly<Record<string, string>> = {}): Promise<Arranged> {
  const backends = await Promise.all(options.map((one, i) => ScriptedBackend.start(`b${i}`, one)))
  const app = createApp({ env: { BACKENDS: backends.map(({ url }) => url).join(','), ADMIN_PORT: 'off', ...env } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await app.close()
    await Promise.all(backends.map((backend) => backend.stop()))
  })
  return {
    backends,
    get: async (path) => {
      const response = await fetch(url + path)
      return `${response.status} ${await response.text()}`
    }
  }
}

t.test('one without a script answers with its name', async (t) => {
  const { backends, get } = await arrange(t, [{}, {}])
  t.strictSame([await get('/a'), await get('/b')], ['200 b0', '200 b1'])
  t.match(backends[1]?.requests, [{ method: 'GET', target: '/b' }])
  t.strictSame(backends.map(({ probes }) => probes), [1, 1])
})

t.test('a script is gone through, and its last answer stays', async (t) => {
  const { get } = await arrange(t, [{ script: [{ status: 201, body: 'first', headers: { 'x-a': '1' } }, { status: 404 }] }])
  t.strictSame([await get('/'), await get('/'), await get('/')], ['201 first', '404 ', '404 '])
})

t.test('one that resets is passed over, and so is one that hangs', async (t) => {
  const { backends, get } = await arrange(t, [{ script: ['reset'] }, { script: ['hang'] }, {}], { ATTEMPT_TIMEOUT_MS: '50' })
  t.equal(await get('/'), '200 b2')
  t.equal(await get('/'), '200 b2')
  t.ok(backends.slice(0, 2).some(({ requests }) => requests.length > 0))
})

t.test('one whose probes are bad gets nothing', async (t) => {
  const { backends, get } = await arrange(t, [{ probeStatus: 503 }, {}])
  t.strictSame([await get('/'), await get('/')], ['200 b1', '200 b1'])
  t.equal(backends[0]?.requests.length, 0)
})

t.test('one that was stopped refuses', async (t) => {
  const { backends, get } = await arrange(t, [{}, {}])
  await backends[0]?.stop()
  await backends[0]?.stop()
  t.strictSame([await get('/'), await get('/')], ['200 b1', '200 b1'])
})
