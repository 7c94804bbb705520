import t from 'tap'
import {
  type Backend, BUILT_IN_POLICIES, builtInPolicy, constant, exponential, lognormal, type PolicyFactory, simulate, type SimulationOptions, type SimulationResult
} from '../../src/testing/index.ts'

const EVENTFUL: SimulationOptions = {
  policy: builtInPolicy('peak-ewma'),
  seed: 3,
  gateways: 3,
  backends: [1, 1, 2].map((weight) => ({ servers: 2, service: lognormal({ meanMs: 20 }), weight, cache: { keys: 20, hit: constant(1) } })),
  traffic: { arrivals: { ratePerS: 300 }, keys: { count: 100, exponent: 1 }, unsafeShare: 0.2, patienceMs: 100 },
  settings: { HEDGING: 'on', SLOW_START_MS: 1_000, RETRY_BACKOFF_MS: 10 },
  durationMs: 8_000,
  warmUpMs: 1_000,
  changes: [{ atMs: 2_000, backends: [0], state: { mode: 'refuses' } }, { atMs: 4_000, backends: [0], state: { mode: 'serves' } }, { atMs: 5_000, ratePerS: 600 }]
}

/** Everything that a result says. */
function told (result: SimulationResult): string {
  const quantiles = Array.from({ length: 101 }, (_, percent) => result.latency.quantile(percent / 100))
  return JSON.stringify({ ...result, failures: [...result.failures], quantiles })
}

t.test('the same options give the same result, whatever else the process draws at random', async (t) => {
  const [first, second] = await Promise.all([simulate(EVENTFUL), simulate(EVENTFUL)])
  t.equal(told(first), told(second))
  t.ok(first.failed > 0 && first.retries > 0 && first.hedges > 0, 'and it is an eventful one')
})

t.test('another seed gives another one', async (t) => {
  t.not(told(await simulate(EVENTFUL)), told(await simulate({ ...EVENTFUL, seed: 4 })))
})

t.test('every policy meets the same requests', async (t) => {
  const results = await Promise.all([...BUILT_IN_POLICIES.values()].map((policy) => simulate({ ...EVENTFUL, policy })))
  const counts = results.map(({ seconds }) => seconds.map(({ requests }) => requests))
  for (const count of counts) t.strictSame(count, counts[0])
})

t.test('neither the clock nor the dice of the process are used', async (t) => {
  const forbidden = (): never => { throw new Error('used') }
  t.intercept(Math, 'random', { value: forbidden })
  t.intercept(Date, 'now', { value: forbidden })
  t.intercept(performance, 'now', { value: forbidden })
  t.intercept(globalThis, 'setTimeout', { value: forbidden })
  t.intercept(globalThis, 'setInterval', { value: forbidden })
  const { requests } = await simulate(EVENTFUL)
  t.ok(requests > 1_000)
})

t.test('the time at the beginning does not count, but is in the seconds', async (t) => {
  const { requests, backends, seconds } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [{ servers: 9, service: constant(1) }],
    traffic: { arrivals: { ratePerS: 100 } },
    durationMs: 10_000,
    warmUpMs: 5_000
  })
  t.equal(seconds.length, 10)
  t.equal(seconds.slice(5).reduce((sum, second) => sum + second.requests, 0), requests)
  t.equal(backends[0]?.attempts, requests)
  t.ok(Math.abs(requests - 500) < 100)
})

t.test('the rate changes when it is told to, down to nothing and up again', async (t) => {
  const { seconds } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [{ servers: 99, service: constant(1) }],
    traffic: { arrivals: { ratePerS: 1_000 } },
    durationMs: 6_000,
    changes: [{ atMs: 2_000, ratePerS: 0 }, { atMs: 4_000, ratePerS: 2_000 }]
  })
  const expected = [1_000, 1_000, 0, 0, 2_000, 2_000]
  for (const [i, { requests }] of seconds.entries()) t.ok(Math.abs(requests - (expected[i] ?? 0)) <= 5 * Math.sqrt(expected[i] ?? 0), `${requests} of ${expected[i]}`)
})

t.test('backends that are alike draw times of their own', async (t) => {
  const { latency } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [1, 2].map(() => ({ servers: 1, service: exponential({ meanMs: 10 }) })),
    traffic: { arrivals: { clients: 1 } },
    durationMs: 5_000
  })
  const times = Array.from({ length: latency.count }, (_, i) => latency.quantile((i + 1) / latency.count).toFixed(6))
  t.ok(times.length > 300)
  t.ok(new Set(times).size > 0.95 * times.length, 'otherwise each would be there twice')
})

t.test('requests that fail are told apart, and do not count as fast ones', async (t) => {
  const { failures, failed, requests, latency, ratePerS } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [1, 2].map(() => ({ servers: 9, service: constant(10) })),
    traffic: { arrivals: { ratePerS: 1_000 } },
    durationMs: 1_000,
    changes: [{ atMs: 0, backends: [0], state: { errors: { status: 500, ratio: 1, ms: 0 } } }]
  })
  t.strictSame([...failures.keys()], ['500'])
  t.ok(Math.abs(failed - requests / 2) <= 1)
  t.equal(latency.count, requests - failed)
  t.equal(ratePerS, requests - failed)
  t.ok(latency.quantile(0) > 10)
})

t.test('one that has no end when the simulation has one has failed', async (t) => {
  const { failures, requests } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [{ servers: 1, service: constant(1_000_000) }],
    traffic: { arrivals: { ratePerS: 10 } },
    settings: { UPSTREAM_HEADERS_TIMEOUT_MS: 1_000_000 },
    durationMs: 1_000
  })
  t.strictSame([...failures], [['UNFINISHED', requests]])
})

t.test('keys move when their policy does not go by them, and stay when it does', async (t) => {
  const uneventful = { ...EVENTFUL, changes: [], settings: {}, traffic: { ...EVENTFUL.traffic, patienceMs: 10_000 } }
  const moved = async (policy: string): Promise<number> => (await simulate({ ...uneventful, policy: builtInPolicy(policy) })).keysMoved
  t.equal(await moved('consistent-hash'), 0)
  // Weights are 1, 1 and 2: two in a row go to the same backend in 1/16 + 1/16 + 1/4 of all cases.
  t.ok(Math.abs(await moved('random') - 0.625) < 0.03)
})

t.test('without keys and caches there is nothing to say of them', async (t) => {
  const { keysMoved, hits } = await simulate({
    policy: builtInPolicy('random'), backends: [{ servers: 1, service: constant(1) }], traffic: { arrivals: { ratePerS: 10 } }, durationMs: 1_000
  })
  t.ok(Number.isNaN(keysMoved) && Number.isNaN(hits))
})

t.test('a client that thinks asks less often', async (t) => {
  const rate = async (thinkMs: number): Promise<number> => (await simulate({
    policy: builtInPolicy('random'),
    networkMs: 0,
    backends: [{ servers: 9, service: constant(10) }],
    traffic: { arrivals: { clients: 5, think: exponential({ meanMs: thinkMs }) } },
    durationMs: 20_000
  })).ratePerS
  t.ok(Math.abs(await rate(90) - 50) < 5)
  t.ok(Math.abs(await rate(10) - 250) < 25)
})

t.test('each gateway knows of its own requests alone', async (t) => {
  const most = async (gateways: number): Promise<number> => {
    const seen: number[] = []
    const first: PolicyFactory = () => {
      let active: readonly Backend[] = []
      return {
        name: 'first',
        rebuild: (backends) => { active = backends },
        pick: () => {
          seen.push(active[0]?.inFlight ?? 0)
          return active[0]
        }
      }
    }
    await simulate({ policy: first, gateways, backends: [{ servers: 999, service: constant(1_000) }], traffic: { arrivals: { ratePerS: 200 } }, durationMs: 3_000 })
    return Math.max(...seen)
  }
  t.ok(await most(1) > 150)
  t.ok(await most(100) < 15)
})

t.test('what cannot be played is refused, all faults at once', async (t) => {
  const options = { ...EVENTFUL, gateways: 0, durationMs: 500, backends: [{ servers: 0, service: constant(1) }], traffic: { arrivals: { ratePerS: NaN } } }
  await t.rejects(simulate(options), {
    name: 'RangeError', message: /^backends\[0\]\.servers: 0 .*; gateways: 0 .*; durationMs: 500 is not more than warmUpMs: 1000; .*ratePerS: NaN/
  })
  await t.rejects(simulate({ ...EVENTFUL, settings: { HEALTH_RISE: 0 } }), { message: /HEALTH_RISE: "0" is not allowed/ })
})
