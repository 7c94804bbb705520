/** The example of an extension, loaded as a user loads it. */
import { call, scenario } from '../helper.ts'

const env = { PLUGINS_DIR: 'examples/plugins' }

scenario('the header of the example is on proxied answers', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway(origins, { env })
  for (const origin of origins) {
    const { text, headers } = await call(gateway.url)
    t.equal(text, origin.name)
    t.equal(headers['x-served-by'], origin.url)
  }
})

scenario('its own route goes before the proxied space, and says who served how often', async (s, t) => {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { env })
  for (let i = 0; i < 3; i++) await call(gateway.url)
  const { text, headers } = await call(`${gateway.url}/served-by`)
  t.same(JSON.parse(text), [{ url: a.url, requests: 2 }, { url: b.url, requests: 1 }])
  t.equal(headers['x-served-by'], undefined, 'the header is for proxied answers')
  t.notOk([...a.requests, ...b.requests].some(({ url }) => url === '/served-by'))
})

scenario('an answer of the gateway itself names no backend', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()], { env })
  const { status, headers } = await call(gateway.url)
  t.equal(status, 502)
  t.equal(headers['x-served-by'], undefined)
})
