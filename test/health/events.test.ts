import t from 'tap'
import { type BackendEvent, eventOf, isWarning } from '../../src/health/events.ts'
import { madePool } from '../pool/made-pool.ts'

t.test('an event names its backend by the slot, which means the same in every thread', async (t) => {
  const events = madePool(['http://a', 'http://b']).backends.map((backend) => eventOf(backend, 'ejected', 'too bad', 7))
  t.strictSame(events, [{ slot: 0, event: 'ejected', reason: 'too bad', atMs: 7 }, { slot: 1, event: 'ejected', reason: 'too bad', atMs: 7 }])
})

t.test('what takes a backend out is worth a warning, and nothing else is', async (t) => {
  const all: ReadonlyArray<BackendEvent['event']> = ['up', 'down', 'ejected', 'on trial', 'restored', 'draining', 'drained', 'not draining']
  t.strictSame(all.filter((event) => isWarning({ slot: 0, event, reason: '', atMs: 0 })), ['down', 'ejected'])
})
