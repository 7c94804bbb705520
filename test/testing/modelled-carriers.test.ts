import t from 'tap'
import { constant } from '../../src/testing/distributions.ts'
import { ModelledBackend } from '../../src/testing/modelled-backend.ts'
import { ModelledCarriers } from '../../src/testing/modelled-carriers.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { type Carrier, type CarrierListener, OWN_REQUEST } from '../../src/upstream/carrier.ts'

const REQUEST = { ...OWN_REQUEST, method: 'GET', target: '/7' }

interface Way {
  readonly clock: VirtualClock
  readonly backend: ModelledBackend
  readonly carriers: ModelledCarriers
  /** Sends a request; what is told of it goes to `told`. */
  readonly send: (carrier: Carrier) => void
  readonly told: string[]
}

function way (): Way {
  const clock = new VirtualClock()
  const backend = new ModelledBackend({ servers: 1, service: constant(10) }, { url: 'http://a', clock, random: seededRandom(1) })
  const carriers = new ModelledCarriers({ backend, clock, networkMs: 2 })
  const told: string[] = []
  const tell = (what: string): void => { told.push(`${what} at ${clock.nowMs()}`) }
  const listener = (carrier: Carrier): CarrierListener => ({
    onSent: () => tell('sent'),
    onBodySent: () => tell('body'),
    onInformation: () => tell('information'),
    onHead: ({ statusCode }) => tell(String(statusCode)),
    onBody: () => tell('body'),
    onMoreToCome: () => tell('more'),
    onEnd: () => {
      tell('end')
      carriers.release(carrier, clock.nowMs())
    },
    onUpgrade: () => tell('upgrade'),
    onError: (error) => tell('code' in error ? String(error.code) : error.message)
  })
  return { clock, backend, carriers, told, send: (carrier) => carrier.send(REQUEST, listener(carrier)) }
}

t.test('a new connection takes its time to be open; on a kept one the request is on its way at once', async (t) => {
  const { clock, carriers, told, send } = way()
  const first = carriers.take(0)
  send(first)
  await clock.run(100)
  const second = carriers.take(100)
  send(second)
  await clock.run(200)
  t.strictSame([first.isUsed, second.isUsed], [false, true])
  t.strictSame(told, ['sent at 2', '200 at 12', 'end at 12', 'sent at 100', '200 at 112', 'end at 112'])
})

t.test('one that has been idle for too long is not used again', async (t) => {
  const { clock, carriers, send } = way()
  send(carriers.take(0))
  await clock.run(100)
  t.equal(carriers.size, 1)
  t.equal(carriers.take(5_000).isUsed, false)
  t.equal(carriers.size, 0)
})

t.test('none outlives the process of its backend', async (t) => {
  const { clock, backend, carriers, send } = way()
  send(carriers.take(0))
  await clock.run(100)
  backend.change({ mode: 'refuses' })
  backend.change({ mode: 'serves' })
  t.equal(carriers.take(100).isUsed, false)
})

t.test('a backend that is gone refuses a new connection, and resets one that was open', async (t) => {
  const { clock, backend, carriers, told, send } = way()
  send(carriers.take(0))
  await clock.run(100)
  const kept = carriers.take(100)
  backend.change({ mode: 'refuses' })
  send(kept)
  send(carriers.take(100))
  await clock.run(200)
  t.strictSame(told.slice(3), ['sent at 100', 'FL_UPSTREAM_RESET at 102', 'FL_UPSTREAM_CONNECT_FAILED at 102'])
})

t.test('who has given up is told nothing more, and the connection is not kept', async (t) => {
  const { clock, backend, carriers, told, send } = way()
  const carrier = carriers.take(0)
  send(carrier)
  await clock.run(5)
  carrier.abort()
  carriers.release(carrier, 5)
  await clock.run(100)
  t.strictSame(told, ['sent at 2'])
  t.equal(carriers.size, 0)
  t.match(backend.measures, { attempts: 1, served: 1 }, 'the backend has done its work')
})

t.test('one for a tunnel or a last try is new', async (t) => {
  const { clock, carriers, send } = way()
  send(carriers.take(0))
  await clock.run(100)
  t.strictSame([carriers.takeNew().isUsed, carriers.takeForTunnel().isUsed], [false, false])
  carriers.close()
  t.equal(carriers.size, 0)
})
