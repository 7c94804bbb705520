/** SLOW_START_MS: a backend that is back gets its share little by little. */
import { call, type Gateway, type HttpOrigin, scenario, type Scenario, until } from '../helper.ts'

async function back (s: Scenario, SLOW_START_MS: string): Promise<{ readonly gateway: Gateway, readonly a: HttpOrigin }> {
  const [a, b] = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway([a, b], { env: { SLOW_START_MS, POLICY: 'weighted-round-robin' } })
  gateway.app.pool.verdicts.judge(gateway.backend(a), false, 'declared by the test', Date.now())
  gateway.declareHealthy(a)
  return { gateway, a }
}

async function served (gateway: Gateway, count: number): Promise<string> {
  let names = ''
  for (let i = 0; i < count; i++) names += (await call(gateway.url)).text
  return names.replaceAll('b', '')
}

scenario('it begins with a tenth of its weight', async (s, t) => {
  const { gateway, a } = await back(s, '600000')
  t.ok(gateway.app.pool.isWarming)
  t.equal(gateway.backend(a).ramp, 0.1)
  t.equal((await served(gateway, 22)).length, 2)
})

scenario('its share grows by itself, and in the end it has all of it', async (s, t) => {
  const { gateway, a } = await back(s, '600')
  const backend = gateway.backend(a)
  t.ok(gateway.app.pool.isWarming)
  const before = backend.ramp
  t.ok(before < 1)
  await until('its share has grown', () => backend.ramp > before)
  await until('it has all of it', () => backend.ramp === 1)
  t.equal((await served(gateway, 10)).length, 5)
})

scenario('who has been there from the start has its share at once', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const gateway = await s.gateway(origins, { env: { SLOW_START_MS: '600000', POLICY: 'weighted-round-robin' } })
  t.equal((await served(gateway, 10)).length, 5)
})

scenario('without SLOW_START_MS who is back has its share at once', async (s, t) => {
  const { gateway } = await back(s, '0')
  t.equal((await served(gateway, 10)).length, 5)
})
