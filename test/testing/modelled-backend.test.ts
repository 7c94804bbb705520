import t from 'tap'
import { constant } from '../../src/testing/distributions.ts'
import { type BackendCall, type BackendModel, ModelledBackend } from '../../src/testing/modelled-backend.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

interface Site {
  readonly clock: VirtualClock
  readonly backend: ModelledBackend
  /** What happened, with its time in ms. */
  readonly told: string[]
  /** A request comes, named by what is told of it. */
  readonly ask: (name: string, key?: number) => void
}

function site (model: Partial<BackendModel> = {}): Site {
  const clock = new VirtualClock()
  const told: string[] = []
  const backend = new ModelledBackend({ servers: 1, service: constant(10), ...model }, { url: 'http://a', clock, random: seededRandom(1) })
  const ask = (name: string, key = -1): void => {
    const call: BackendCall = {
      key,
      answered: (status) => { told.push(`${name} ${status} at ${clock.nowMs()}`) },
      cut: () => { told.push(`${name} cut at ${clock.nowMs()}`) }
    }
    backend.take(call)
  }
  return { clock, backend, told, ask }
}

t.test('it works on so many at a time, and the others wait in the order of their arrival', async (t) => {
  const { clock, backend, told, ask } = site({ servers: 2 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) ask(name)
  t.equal(backend.load, 5)
  await clock.run(100)
  t.strictSame(told, ['a 200 at 10', 'b 200 at 10', 'c 200 at 20', 'd 200 at 20', 'e 200 at 30'])
  t.match(backend.measures, { served: 5, peak: 5 })
  t.equal(backend.load, 0)
})

t.test('a long queue is worked off in its order', async (t) => {
  const { clock, told, ask } = site()
  for (let i = 0; i < 5_000; i++) ask(String(i))
  await clock.run(50_000)
  t.strictSame(told, Array.from({ length: 5_000 }, (_, i) => `${i} 200 at ${10 * (i + 1)}`))
})

t.test('more than may wait are sent away', async (t) => {
  const { clock, told, ask } = site({ maxWaiting: 1 })
  for (const name of ['a', 'b', 'c']) ask(name)
  await clock.run(100)
  t.strictSame(told, ['c 503 at 1', 'a 200 at 10', 'b 200 at 20'])
})

t.test('when its process ends, all that it had is cut, and nothing comes of it later', async (t) => {
  const { clock, backend, told, ask } = site()
  for (const name of ['a', 'b']) ask(name)
  await clock.run(5)
  backend.change({ mode: 'refuses' })
  t.strictSame(told, ['a cut at 5', 'b cut at 5'])
  backend.change({ mode: 'serves' })
  ask('c')
  await clock.run(100)
  t.strictSame(told.slice(2), ['c 200 at 15'])
  t.equal(backend.starts, 1)
})

t.test('it can close the connection of each request', async (t) => {
  const { clock, backend, told, ask } = site()
  backend.change({ mode: 'resets' })
  ask('a')
  backend.change({ mode: 'serves' })
  ask('b')
  await clock.run(100)
  t.strictSame(told, ['a cut at 0', 'b 200 at 10'])
})

t.test('it can hang: it begins with nothing then, and goes on when it is over', async (t) => {
  const { clock, backend, told, ask } = site({ servers: 2 })
  for (const name of ['a', 'b', 'c']) ask(name)
  backend.change({ mode: 'hangs' })
  ask('d')
  await clock.run(50)
  t.strictSame(told, ['a 200 at 10', 'b 200 at 10'])
  backend.change({ mode: 'serves' })
  await clock.run(100)
  t.strictSame(told.slice(2), ['c 200 at 60', 'd 200 at 60'])
})

t.test('what hangs is cut when the process is ended', async (t) => {
  const { clock, backend, told, ask } = site()
  backend.change({ mode: 'hangs' })
  ask('a')
  await clock.run(50)
  backend.change({ mode: 'refuses' })
  t.strictSame(told, ['a cut at 50'])
})

t.test('it can be slow, and answer a share of the requests with an error', async (t) => {
  const { clock, backend, told, ask } = site()
  backend.change({ slowness: 3 })
  ask('a')
  backend.change({ errors: { status: 500, ratio: 1, ms: 2 } })
  ask('b')
  await clock.run(100)
  t.strictSame(told, ['b 500 at 2', 'a 200 at 30'])
  backend.change({ slowness: 1, errors: { status: 500, ratio: 0.25, ms: 0 } })
  for (let i = 0; i < 4_000; i++) ask('x')
  await clock.run(200)
  t.ok(Math.abs(told.filter((text) => text.startsWith('x 500')).length - 1_000) < 100)
})

t.test('what it has had lately is fast, until something else has taken its place, or it was started anew', async (t) => {
  const { clock, backend, ask } = site({ cache: { keys: 2, hit: constant(1) } })
  const askAll = async (...keys: number[]): Promise<string> => {
    for (const key of keys) {
      const startMs = clock.nowMs()
      ask(String(key), key)
      await clock.run(startMs + 10)
    }
    return `${backend.measures.hits} of ${backend.measures.hits + backend.measures.misses}`
  }
  t.equal(await askAll(1, 2, 1), '1 of 3')
  // 3 takes the place of 2, which was asked for before 1.
  t.equal(await askAll(3, 1), '2 of 5')
  t.equal(await askAll(2), '2 of 6')
  backend.change({ mode: 'refuses' })
  backend.change({ mode: 'serves' })
  t.equal(await askAll(2), '2 of 7')
})

t.test('after a start it is slow at first, and less so from request to request', async (t) => {
  const { clock, backend, told, ask } = site({ warmUp: { requests: 4, factor: 5 } })
  ask('warm')
  await clock.run(1_000)
  backend.change({ mode: 'refuses' })
  backend.change({ mode: 'serves' })
  for (const name of ['a', 'b', 'c', 'd', 'e']) ask(name)
  await clock.run(2_000)
  t.strictSame(told, ['warm 200 at 10', 'a 200 at 1050', 'b 200 at 1090', 'c 200 at 1120', 'd 200 at 1140', 'e 200 at 1150'])
})

t.test('it works on for nobody, unless it notices', async (t) => {
  const finished: number[] = []
  for (const noticesLeavers of [false, true]) {
    const { clock, backend } = site({ noticesLeavers })
    const calls = [1, 2, 3].map((): BackendCall => ({ key: -1, answered: () => { finished.push(clock.nowMs()) }, cut: () => {} }))
    for (const call of calls) backend.take(call)
    await clock.run(5)
    for (const call of calls.slice(0, 2).toReversed()) backend.leave(call)
    await clock.run(100)
  }
  t.strictSame(finished, [10, 20, 30, 15])
})
