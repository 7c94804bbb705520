import t from 'tap'
import { Arranger, type ArrangementRules } from '../../src/pool/arrangement.ts'
import type { BackendSpec } from '../../src/pool/backend.ts'
import { NOTES, REASON_DOWN, REASON_DRAINING, REASON_EJECTED, REASON_FULL } from '../../src/pool/slots.ts'
import { madePool } from './made-pool.ts'

/** What backends of these are arranged to, by slot: `active | spare`, with `!` in a panic. */
function arranged (specs: ReadonlyArray<Omit<BackendSpec, 'url'> & { readonly reasons?: number }>, rules: Partial<ArrangementRules> = {}): string {
  const { backends } = madePool([], { backends: specs.map((spec, slot) => ({ ...spec, url: `http://${slot}` })) })
  const reasons = Int32Array.from(specs, (spec) => spec.reasons ?? 0)
  const { active, spare, isPanicking } = new Arranger(backends, { minGroupRatio: 0, panicRatio: 0, ...rules }).arrange(reasons)
  return `${isPanicking ? '! ' : ''}${active.map(({ slot }) => slot).join(' ')} | ${spare.map(({ slot }) => slot).join(' ')}`
}

const down = { reasons: REASON_DOWN }
const backup = { priority: 1 }

t.test('of one group all that nothing speaks against are active, in the pool\'s order', async (t) => {
  t.equal(arranged([{}, {}, {}]), '0 1 2 | ')
  t.equal(arranged([{}, down, {}, { reasons: REASON_EJECTED }, { reasons: REASON_DRAINING }, { reasons: REASON_FULL }]), '0 2 | ')
  t.equal(arranged([down, down]), ' | ')
  t.equal(arranged([]), ' | ')
})

t.test('notes do not make a backend unavailable', async (t) => {
  t.equal(arranged([{ reasons: NOTES }, {}]), '0 1 | ')
})

t.test('a backup is spare as long as one of the first group is available', async (t) => {
  t.equal(arranged([{}, backup, {}]), '0 2 | 1')
  t.equal(arranged([down, backup, {}]), '2 | 1')
  t.equal(arranged([down, backup, { reasons: REASON_FULL }]), '1 | ')
  t.equal(arranged([{}, { ...backup, ...down }]), '0 | ')
})

t.test('groups step in one after the other, by number and not by place', async (t) => {
  t.equal(arranged([{ priority: 7 }, { priority: 2 }, { priority: 0 }]), '2 | 0 1')
  t.equal(arranged([{ priority: 7 }, { priority: 2 }, { priority: 0, ...down }]), '1 | 0')
  t.equal(arranged([{ priority: 7 }, { priority: 2, ...down }, { priority: 0, ...down }]), '0 | ')
  t.equal(arranged([{ priority: 10 }, { priority: 9 }]), '1 | 0')
})

t.test('with less than the share of a group\'s weight available the next one joins in, and what is left of it stays', async (t) => {
  const rules = { minGroupRatio: 0.5 }
  t.equal(arranged([{}, {}, {}, backup], rules), '0 1 2 | 3')
  t.equal(arranged([{}, {}, down, backup], rules), '0 1 | 3')
  t.equal(arranged([{}, down, down, backup], rules), '0 3 | ')
  t.equal(arranged([{ weight: 8 }, down, down, backup], rules), '0 | 3', 'by weight')
  t.equal(arranged([{ weight: 8, ...down }, {}, {}, backup], rules), '1 2 3 | ', 'by weight')
  t.equal(arranged([{}, down, backup, { priority: 2 }], rules), '0 | 2 3', 'just enough')
})

t.test('a joining group that has too little itself brings in the next one; where all have, all that is left is active', async (t) => {
  const rules = { minGroupRatio: 1 }
  t.equal(arranged([{}, down, backup, { ...backup, ...down }, { priority: 2 }], rules), '0 2 4 | ')
  t.equal(arranged([{}, down, backup, { ...backup, ...down }], rules), '0 2 | ')
})

t.test('a share that is just met is met, whatever multiplying it would round to', async (t) => {
  t.equal(arranged([{ weight: 7 }, { weight: 18, ...down }, backup], { minGroupRatio: 0.28 }), '0 | 2')
  const hundred = Array.from({ length: 100 }, (_, i) => i < 55 ? {} : down)
  t.notMatch(arranged(hundred, { panicRatio: 0.55 }), /!/)
})

t.test('with less than the share of the backends well verdicts are not believed, and groups do not matter', async (t) => {
  const rules = { panicRatio: 0.5 }
  t.equal(arranged([{}, down, { reasons: REASON_EJECTED }, { ...backup, ...down }], rules), '! 0 1 2 3 | ')
  t.equal(arranged([{}, {}, down, { reasons: REASON_EJECTED | NOTES }], rules), '0 1 | ')
  t.equal(arranged([down, down], { panicRatio: 0.01 }), '! 0 1 | ')
  t.equal(arranged([down, down]), ' | ', 'never, if the share is 0')
})

t.test('draining and full backends are left out in a panic too, and are no reason for one', async (t) => {
  const rules = { panicRatio: 0.5 }
  t.equal(arranged([down, { reasons: REASON_DOWN | REASON_DRAINING }, { reasons: REASON_EJECTED | REASON_FULL }], rules), '! 0 | ')
  t.equal(arranged([{}, { reasons: REASON_FULL }, { reasons: REASON_DRAINING }], { panicRatio: 1 }), '0 | ')
})
