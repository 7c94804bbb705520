/** The laboratory against what queueing theory and the policies' own promises say must come out. */
import t from 'tap'
import { builtInPolicy, constant, type Distribution, exponential, simulate, type SimulationOptions, type SimulationResult } from '../../src/testing/index.ts'

const HOUR_MS = 3_600_000

/** One backend or more before which nothing costs time but the queue. */
async function queue (servers: number, service: Distribution, ratePerS: number, hours: number): Promise<SimulationResult> {
  const options: SimulationOptions = {
    policy: builtInPolicy('round-robin'),
    seed: 5,
    networkMs: 0,
    backends: [{ servers, service }],
    traffic: { arrivals: { ratePerS } },
    durationMs: hours * HOUR_MS,
    warmUpMs: HOUR_MS / 60
  }
  return simulate(options)
}

/** Whether a number is what it should be, within three hundredths. */
const isAbout = (value: number, expected: number): boolean => Math.abs(value / expected - 1) < 0.03

t.test('M/M/1: the mean time is 1 / (service rate - arrival rate), and the times are exponential', async (t) => {
  // 100 a second could be served.
  const { latency } = await queue(1, exponential({ meanMs: 10 }), 60, 0.6)
  t.ok(isAbout(latency.mean, 1_000 / (100 - 60)), String(latency.mean))
  t.ok(isAbout(latency.quantile(0.5), Math.LN2 * 1_000 / (100 - 60)), String(latency.quantile(0.5)))
})

t.test('M/D/1: where all take the same time the wait is half as long (Pollaczek and Khinchine)', async (t) => {
  const { latency } = await queue(1, constant(10), 60, 0.6)
  const rho = 0.6
  t.ok(isAbout(latency.mean - 10, 10 * rho / (2 * (1 - rho))), String(latency.mean))
})

t.test('M/M/c: the mean wait is that of Erlang\'s formula C', async (t) => {
  const [servers, rho] = [4, 0.8]
  const { latency } = await queue(servers, exponential({ meanMs: 40 }), rho * 100, 0.6)
  const offered = servers * rho
  let term = 1
  let sum = 0
  for (let k = 0; k < servers; k++) {
    sum += term
    term *= offered / (k + 1)
  }
  const waits = term / (1 - rho) / (sum + term / (1 - rho))
  t.ok(isAbout(latency.mean, 40 + waits * 40 / (servers * (1 - rho))), `${latency.mean} of ${40 + waits * 40 / (servers * (1 - rho))}`)
})

t.test('Little\'s law: with clients that wait, clients are rate times latency', async (t) => {
  const { latency, ratePerS } = await simulate({
    policy: builtInPolicy('random'),
    backends: [1, 2, 3].map(() => ({ servers: 2, service: exponential({ meanMs: 10 }) })),
    traffic: { arrivals: { clients: 12 } },
    durationMs: 60_000
  })
  t.ok(isAbout(ratePerS * latency.mean / 1_000, 12), String(ratePerS * latency.mean / 1_000))
})

t.test('round-robin is even to a request', async (t) => {
  const { backends, requests } = await simulate({
    policy: builtInPolicy('round-robin'),
    backends: [1, 2, 3, 4, 5].map(() => ({ servers: 1, service: exponential({ meanMs: 10 }) })),
    traffic: { arrivals: { ratePerS: 200 } },
    durationMs: 20_000
  })
  const counts = backends.map(({ attempts }) => attempts)
  t.equal(counts.reduce((sum, count) => sum + count, 0), requests)
  t.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(', '))
})

t.test('weighted round-robin is even by weight to a round', async (t) => {
  const { backends } = await simulate({
    policy: builtInPolicy('weighted-round-robin'),
    backends: [1, 2, 5].map((weight) => ({ servers: 8, service: constant(1), weight })),
    traffic: { arrivals: { ratePerS: 200 } },
    durationMs: 20_000
  })
  const rounds = backends.map(({ attempts, weight }) => attempts / weight)
  t.ok(Math.max(...rounds) - Math.min(...rounds) <= 1, rounds.join(', '))
})

t.test('two choices are far better than one, and one is far better than none', async (t) => {
  const p99 = new Map<string, number>()
  for (const name of ['random', 'power-of-two', 'least-connections']) {
    const { latency } = await simulate({
      policy: builtInPolicy(name),
      backends: Array.from({ length: 20 }, () => ({ servers: 1, service: exponential({ meanMs: 10 }) })),
      traffic: { arrivals: { ratePerS: 1_600 } },
      durationMs: 20_000
    })
    p99.set(name, latency.quantile(0.99))
  }
  t.ok((p99.get('random') ?? 0) > 1.5 * (p99.get('power-of-two') ?? Infinity))
  t.ok((p99.get('power-of-two') ?? 0) > (p99.get('least-connections') ?? Infinity))
})
