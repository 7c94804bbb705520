/** What a simulated gateway does is what the gateway does: failover, ejection, retries, queues, hedging. */
import t from 'tap'
import { builtInPolicy } from '../../src/testing/built-in.ts'
import { constant, sometimes } from '../../src/testing/distributions.ts'
import { RequestMaker } from '../../src/testing/made-request.ts'
import { type BackendModel, ModelledBackend } from '../../src/testing/modelled-backend.ts'
import { roundRobin } from '../../src/pool/policies/round-robin.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { configOf, type Settings } from '../../src/testing/settings.ts'
import { SimulatedGateway } from '../../src/testing/simulated-gateway.ts'
import type { SimulatedRequest } from '../../src/testing/simulated-request.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

interface Lab {
  readonly clock: VirtualClock
  readonly gateway: SimulatedGateway
  readonly backends: readonly ModelledBackend[]
  /** A request, and what became of it: who was asked last, status or code, attempts, and when it was over in ms. */
  readonly ask: (method?: string) => SimulatedRequest
  readonly told: string[]
}

const GETS = new RequestMaker('GET')
const POSTS = new RequestMaker('POST')

function lab (models: ReadonlyArray<Partial<BackendModel>>, settings: Settings = {}): Lab {
  const clock = new VirtualClock()
  const backends = models.map((model, i) => {
    const site = { url: `http://b${i}`, clock, random: seededRandom(1, String(i)) }
    return new ModelledBackend({ servers: 10, service: constant(10), ...model }, site)
  })
  const gateway = new SimulatedGateway({ clock, random: seededRandom(2), backends, policy: roundRobin, config: configOf(settings), networkMs: 1 })
  const told: string[] = []
  const ask = (method = 'GET'): SimulatedRequest => gateway.handle((method === 'GET' ? GETS : POSTS).request(-1), ({ backend, status, code, attempts }) => {
    told.push(`${backend?.url ?? 'nobody'}: ${code === '' ? status : code}, ${attempts}, ${clock.nowMs()}`)
  })
  return { clock, gateway, backends, ask, told }
}

t.test('a request waits for the first probes, and is answered by a backend then', async (t) => {
  const { clock, gateway, ask, told } = lab([{}])
  gateway.start()
  ask()
  await clock.run(0.5)
  t.equal(gateway.pool.backends[0]?.inFlight, 0)
  await clock.run(100)
  t.strictSame(told, ['http://b0: 200, 1, 12'])
})

t.test('a backend that refuses costs a millisecond, and another one is asked, whatever the method', async (t) => {
  const { clock, backends, ask, told } = lab([{}, {}])
  backends[0]?.change({ mode: 'refuses' })
  ask('POST')
  await clock.run(100)
  t.strictSame(told, ['http://b1: 200, 2, 12'])
})

t.test('what a backend had when it died is asked of another one, if it may be sent twice', async (t) => {
  const { clock, backends, ask, told } = lab([{}, {}])
  ask()
  await clock.run(20)
  // Onto the second one, so that the next ones go to the first again.
  ask()
  await clock.run(40)
  ask()
  ask()
  ask('POST')
  await clock.run(45)
  backends[0]?.change({ mode: 'refuses' })
  await clock.run(100)
  t.strictSame(told.slice(2), ['http://b0: FL_UPSTREAM_RESET, 1, 45', 'http://b1: 200, 1, 51', 'http://b1: 200, 3, 57'])
})

t.test('probes take a dead backend out, and bring it back', async (t) => {
  const { clock, gateway, backends } = lab([{}, {}], { HEALTH_INTERVAL_MS: 100 })
  gateway.start()
  backends[1]?.change({ mode: 'refuses' })
  await clock.run(250)
  t.strictSame(gateway.pool.available.map(({ url }) => url), ['http://b0'])
  backends[1]?.change({ mode: 'serves' })
  await clock.run(500)
  t.equal(gateway.pool.available.length, 2)
  gateway.stop()
  backends[1]?.change({ mode: 'hangs' })
  await clock.run(60_000)
  t.equal(gateway.pool.available.length, 2, 'it does not probe any more')
})

t.test('a backend that hangs fails its probes when their time is over', async (t) => {
  const { clock, gateway, backends } = lab([{}, {}], { HEALTH_TIMEOUT_MS: 70 })
  backends[0]?.change({ mode: 'hangs' })
  gateway.start()
  await clock.run(69)
  t.equal(gateway.pool.available.length, 2)
  await clock.run(71)
  t.equal(gateway.pool.available.length, 1)
})

t.test('answers eject a backend, which comes back on trial when its time is over', async (t) => {
  const { clock, gateway, backends, ask, told } = lab([{}, {}, {}], {
    EJECT_STATUSES: '5xx', RETRY_STATUSES: '5xx', EJECT_FAILURES: 2, EJECT_MS: 1_000, EJECT_SUCCESS_RATE: 'off'
  })
  gateway.start()
  await clock.run(10)
  backends[0]?.change({ errors: { status: 500, ratio: 1, ms: 0 } })
  for (let i = 0; i < 6; i++) ask()
  await clock.run(500)
  t.ok(told.every((text) => text.includes(': 200,')), told.join('\n'))
  t.strictSame(gateway.pool.available.map(({ url }) => url), ['http://b1', 'http://b2'])
  await clock.run(1_200)
  t.ok(gateway.pool.backends[0]?.isOnTrial)
})

t.test('a request for which all backends are full waits for a place, and not for ever', async (t) => {
  const { clock, ask, told } = lab([{ maxInFlight: 1 }], { QUEUE_MAX: 2, QUEUE_TIMEOUT_MS: 15 })
  for (let i = 0; i < 4; i++) ask()
  await clock.run(100)
  t.strictSame(told, ['nobody: FL_BACKENDS_FULL, 0, 0', 'http://b0: 200, 1, 11', 'nobody: FL_QUEUE_TIMEOUT, 0, 15', 'http://b0: 200, 1, 22'])
})

t.test('a slow request is sent to a second backend, and the first answer counts', async (t) => {
  const { clock, gateway, ask, told } = lab([{ service: sometimes(0.02, constant(500), constant(10)) }, {}], { HEDGING: 'on' })
  for (let i = 0; i < 2_000; i++) clock.later(20 * i, () => { ask() })
  await clock.run(60_000)
  t.ok(gateway.hedges > 5, String(gateway.hedges))
  t.equal(told.length, 2_000)
  t.ok(told.slice(500).every((text) => text.includes(': 200')))
  t.strictSame(gateway.pool.backends.map(({ inFlight }) => inFlight), [0, 0])
  const late = told.filter((text) => Number(text.split(', ').at(-1)) % 20 > 11 + 1e-6)
  t.ok(late.length < gateway.hedges + 10, `${late.length} took longer than usual`)
})

t.test('deadlines hold: of an attempt, of the answer and of the request as a whole', async (t) => {
  const codes: string[] = []
  for (const settings of [{ ATTEMPT_TIMEOUT_MS: 100 }, { UPSTREAM_HEADERS_TIMEOUT_MS: 200 }, { REQUEST_TIMEOUT_MS: 300 }]) {
    const { clock, backends, ask, told } = lab([{}], settings)
    backends[0]?.change({ mode: 'hangs' })
    ask()
    await clock.run(1_000)
    codes.push(...told)
  }
  t.strictSame(codes, ['http://b0: FL_ATTEMPT_TIMEOUT, 1, 100', 'http://b0: FL_UPSTREAM_HEADERS_TIMEOUT, 1, 201', 'http://b0: FL_REQUEST_TIMEOUT, 1, 300'])
})

t.test('a client that leaves frees its place', async (t) => {
  const { clock, gateway, ask, told } = lab([{}])
  const request = ask()
  await clock.run(5)
  t.equal(gateway.pool.backends[0]?.inFlight, 1)
  request.leave()
  request.leave()
  t.equal(gateway.pool.backends[0]?.inFlight, 0)
  await clock.run(100)
  t.strictSame(told, ['http://b0: CLIENT_GONE, 1, 5'])
})

t.test('where nobody is available the client is told at once', async (t) => {
  const { gateway, ask, told } = lab([{}])
  for (const backend of gateway.pool.backends) gateway.pool.verdicts.judge(backend, false, 'down', 0)
  ask()
  t.strictSame(told, ['nobody: FL_NO_BACKEND_AVAILABLE, 0, 0'])
})

t.test('a backend that is back gets its share slowly, if it is asked to', async (t) => {
  const { clock, gateway, backends, ask } = lab([{}, {}], { SLOW_START_MS: 10_000, HEALTH_INTERVAL_MS: 100 })
  gateway.pool.usePolicy(builtInPolicy('weighted-round-robin'))
  gateway.start()
  backends[0]?.change({ mode: 'refuses' })
  await clock.run(1_000)
  backends[0]?.change({ mode: 'serves' })
  const shares: number[] = []
  for (const atMs of [2_000, 6_000, 20_000]) {
    await clock.run(atMs)
    for (let i = 0; i < 100; i++) ask()
    shares.push(gateway.pool.backends[0]?.inFlight ?? 0)
  }
  const [first = 0, second = 0, third] = shares
  t.ok(first > 5 && first < 12, `${first} of 100 after a second`)
  t.ok(second > 28 && second < 38, `${second} of 100 after five`)
  t.equal(third, 50)
})
