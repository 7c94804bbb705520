import t from 'tap'
import { assertShares, seededRandom } from '../../src/testing/index.ts'
import { Clients, keyDraw } from '../../src/testing/traffic.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

t.test('keys are asked for as Zipf has it', async (t) => {
  for (const exponent of [0, 0.8, 1.2]) {
    const draw = keyDraw({ count: 50, exponent })
    const random = seededRandom(1)
    const counts = Array.from({ length: 50 }, () => 0)
    for (let i = 0; i < 50_000; i++) {
      const key = draw(random)
      counts[key] = (counts[key] ?? 0) + 1
    }
    t.doesNotThrow(() => assertShares(counts, counts.map((_, key) => (key + 1) ** -exponent)), String(exponent))
  }
})

t.test('another rate takes the place of the one before', async (t) => {
  const clock = new VirtualClock()
  let count = 0
  const clients = new Clients({ clock, random: seededRandom(2), send: () => { count++ } })
  clients.start({ ratePerS: 1_000 })
  await clock.run(10_000)
  clients.setRate(500)
  const before = count
  await clock.run(30_000)
  t.ok(Math.abs(before - 10_000) < 500, String(before))
  t.ok(Math.abs(count - before - 10_000) < 500, String(count - before))
  clients.stop()
  const last = count
  await clock.run(31_000)
  t.equal(count, last)
})

t.test('a client that waits has one request at a time', async (t) => {
  const clock = new VirtualClock()
  const waiting = new Map<number, () => void>()
  let most = 0
  const clients = new Clients({
    clock,
    random: seededRandom(3),
    send: (client, onEnd) => {
      t.notOk(waiting.has(client))
      waiting.set(client, onEnd)
      most = Math.max(most, waiting.size)
      clock.later(1 + client, () => {
        waiting.delete(client)
        onEnd()
      })
    }
  })
  clients.start({ clients: 3 })
  await clock.run(12)
  t.equal(most, 3)
  clients.stop()
  await clock.run(100)
  t.equal(waiting.size, 0)
})
