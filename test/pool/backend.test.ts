import t from 'tap'
import { Backend, type BackendSpec, type BackendState } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import { Counters } from '../../src/pool/counters.ts'
import { NOTE_JUDGED, NOTE_TRIAL, REASON_DOWN, REASON_DRAIN_SELF, REASON_DRAINING, REASON_EJECTED, REASON_FULL } from '../../src/pool/slots.ts'

function made (spec: Omit<BackendSpec, 'url'> = {}): { backend: Backend, board: Board } {
  const board = new Board({ capacity: 1 })
  return { board, backend: new Backend({ url: 'http://a', ...spec }, 0, { board, counters: new Counters({ capacity: 1 }) }, 0) }
}

t.test('what is not said of a backend is a weight of 1, the first group and no limit', async (t) => {
  t.match(made().backend, { weight: 1, priority: 0, maxInFlight: 0, ramp: 1, limit: 0, position: -1, probe: undefined })
  const said = { weight: 7, priority: 2, maxInFlight: 9, probe: 'http://b/x' }
  t.match(made(said).backend, said)
})

t.test('each reason makes it unavailable; only a failed probe makes it unhealthy; notes do neither', async (t) => {
  for (const [bits, available, healthy] of [
    [REASON_DOWN, false, false], [REASON_EJECTED, false, true], [REASON_DRAINING, false, true], [REASON_DRAIN_SELF, false, true], [REASON_FULL, false, true], [NOTE_TRIAL | NOTE_JUDGED, true, true]
  ] as const) {
    const { backend, board } = made()
    board.set(0, bits)
    t.strictSame([backend.available, backend.healthy], [available, healthy], `${bits}`)
  }
})

t.test('notes are told apart', async (t) => {
  const { backend, board } = made()
  t.strictSame([backend.judged, backend.isOnTrial], [false, false])
  board.set(0, NOTE_JUDGED)
  t.strictSame([backend.judged, backend.isOnTrial], [true, false])
  board.set(0, NOTE_TRIAL)
  board.clear(0, NOTE_JUDGED)
  t.strictSame([backend.judged, backend.isOnTrial], [false, true])
})

t.test('its share is the part of its weight that it gets for now', async (t) => {
  const { backend } = made({ weight: 8 })
  t.equal(backend.currentWeight, 8)
  backend.ramp = 0.25
  t.equal(backend.currentWeight, 2)
})

t.test('its state is the first that holds of draining, down, ejected, full, on trial and up', async (t) => {
  const inOrder: ReadonlyArray<readonly [bits: number, state: BackendState]> = [
    [REASON_DRAINING, 'draining'], [REASON_DRAIN_SELF, 'draining'], [REASON_DOWN, 'down'], [REASON_EJECTED, 'ejected'], [REASON_FULL, 'full'], [NOTE_TRIAL, 'trial'], [NOTE_JUDGED, 'up']
  ]
  t.equal(made().backend.state, 'up')
  for (const [index, [bits, state]] of inOrder.entries()) {
    t.equal(stateWith(bits), state)
    const all = inOrder.slice(index).reduce((sum, [other]) => sum | other, 0)
    t.equal(stateWith(all), state, `${state} goes before all that follow`)
  }
})

t.test('it is draining when somebody asks for it, or itself', async (t) => {
  for (const [bits, isDraining] of [[REASON_DRAINING, true], [REASON_DRAIN_SELF, true], [REASON_DRAINING | REASON_DRAIN_SELF, true], [REASON_DOWN | REASON_EJECTED | REASON_FULL | NOTE_TRIAL, false]] as const) {
    const { backend, board } = made()
    board.set(0, bits)
    t.equal(backend.isDraining, isDraining, `${bits}`)
  }
})

function stateWith (bits: number): BackendState {
  const { backend, board } = made()
  board.set(0, bits)
  return backend.status().state
}
