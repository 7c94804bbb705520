import * as fc from 'fast-check'
import t from 'tap'
import { RESULT_FAILED, RESULT_UNKNOWN, SWITCHED } from '../../src/pool/policy.ts'
import { NOTE_TRIAL, REASON_EJECTED } from '../../src/pool/slots.ts'
import { EJECTION_RULES, OUTLIER_RULES, type Thread, TwoThreads } from './two-threads.ts'

/** Attempts of a thread at backend 0 that end like this, one after the other. */
function play ({ outliers, backend }: Thread, ...results: readonly number[]): void {
  for (const result of results) outliers.attemptEnded(backend(0), result)
}

/** Backend 0 is on trial. */
function onTrial (): TwoThreads {
  const threads = new TwoThreads()
  threads.one.ejector.eject(threads.one.backend(0), 'bad')
  threads.pass(EJECTION_RULES.baseMs)
  return threads
}

t.test('so many failures in a row eject, over both threads together', async (t) => {
  const threads = new TwoThreads()
  play(threads.one, RESULT_FAILED)
  play(threads.other, 503)
  t.equal(threads.state(0), '')
  play(threads.one, 500)
  t.equal(threads.state(0), 'ejected')
  t.match(threads.reasons, [/^3 failures in a row, the last: answered 500; out for 1000 ms$/])
})

t.test('a tunnel is a good answer when it begins; its end says nothing', async (t) => {
  const threads = new TwoThreads()
  play(threads.one, 500, 500)
  threads.one.outliers.switched(threads.one.backend(0))
  play(threads.one, 500, 500, SWITCHED, 500)
  t.equal(threads.state(0), 'ejected')
  const { one } = onTrial()
  play(one, SWITCHED, SWITCHED)
  t.ok(one.backend(0).isOnTrial)
  one.outliers.switched(one.backend(0))
  one.outliers.switched(one.backend(0))
  t.notOk(one.backend(0).isOnTrial)
})

t.test('what failed without a whole answer says so', async (t) => {
  const threads = new TwoThreads()
  play(threads.one, 500, 500, RESULT_FAILED)
  t.match(threads.reasons, [/^3 failures in a row, the last: no whole answer;/])
})

t.test('a good answer in either thread begins the count anew', async (t) => {
  const threads = new TwoThreads()
  play(threads.one, 500, 500)
  play(threads.other, 200)
  play(threads.one, 500, 500)
  t.equal(threads.state(0), '')
  play(threads.one, 500)
  t.equal(threads.state(0), 'ejected')
})

t.test('only the statuses that were named are failures, and they alone are counted as bad answers', async (t) => {
  const threads = new TwoThreads()
  play(threads.one, 404, 502, 999, 504, 302, 404)
  t.equal(threads.state(0), '')
  t.equal(threads.one.pool.counters.badAnswers(0), 0)
  play(threads.one, 503, RESULT_FAILED)
  play(threads.other, 500)
  t.equal(threads.one.pool.counters.badAnswers(0), 2)
})

t.test('failures in a row do not eject when that is off, but one of a backend on trial does', async (t) => {
  const threads = new TwoThreads({ outlier: { failuresInRow: 0 } })
  play(threads.one, ...Array.from({ length: 100 }, () => 500))
  t.equal(threads.state(0), '')
  threads.one.board.set(0, NOTE_TRIAL)
  play(threads.one, 500)
  t.equal(threads.state(0), 'ejected')
})

t.test('a backend on trial is back after so many good answers of both threads, and not before', async (t) => {
  const threads = onTrial()
  play(threads.one, 200)
  t.equal(threads.state(0), 'on trial')
  play(threads.other, 404)
  t.equal(threads.state(0), '')
  t.strictSame(threads.events, ['0 ejected', '0 on trial', '0 restored'])
  t.equal(threads.reasons.at(-1), '2 good answers')
})

t.test('one failure of a backend on trial ejects it, and its good answers are forgotten', async (t) => {
  for (const [result, why] of [[RESULT_FAILED, 'no whole answer'], [503, 'answered 503']] as const) {
    const threads = onTrial()
    play(threads.one, 200, result)
    t.equal(threads.state(0), 'ejected')
    t.equal(threads.reasons.at(-1), `failed on trial: ${why}; out for 2000 ms`)
    threads.pass(2_000)
    play(threads.other, 200)
    t.equal(threads.state(0), 'on trial')
  }
})

t.test('a failure on trial that cannot eject, as too many are out, begins the trial anew', async (t) => {
  const threads = onTrial()
  const { one } = threads
  for (const slot of [1, 2]) one.ejector.eject(one.backend(slot), 'bad')
  play(one, 200, 500, 200)
  t.equal(threads.state(0), 'on trial')
  play(one, 200)
  t.equal(threads.state(0), '')
})

t.test('an attempt that was given up changes nothing, whatever the state', async (t) => {
  for (const threads of [new TwoThreads(), onTrial()]) {
    play(threads.one, 200)
    const before = [Buffer.from(threads.one.board.memory).toString('hex'), threads.events.length]
    play(threads.one, RESULT_UNKNOWN, RESULT_UNKNOWN)
    play(threads.other, RESULT_UNKNOWN)
    t.strictSame([Buffer.from(threads.one.board.memory).toString('hex'), threads.events.length], before)
  }
})

/** The cases are the same ones in every run; a failure tells the seed and the path to its case. */
const SEED = 20_261_123
const BACKENDS = 5

type Step =
  | { readonly kind: 'result', readonly isOther: boolean, readonly slot: number, readonly result: number }
  | { readonly kind: 'pass', readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('result' as const), isOther: fc.boolean(), slot: fc.nat(BACKENDS - 1), result: fc.constantFrom(200, 404, 500, 503, 500, RESULT_FAILED, RESULT_FAILED, RESULT_UNKNOWN) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 3_000 }) }) }
)

/** Carries it out, and says what is wrong with where it has led. */
function faultOf (threads: TwoThreads, made: Step, maxRatio: number): string {
  const memory = (): string => Buffer.from(threads.one.board.memory).toString('hex')
  const before = memory()
  if (made.kind === 'pass') threads.pass(made.ms)
  else {
    const { outliers, backend } = made.isOther ? threads.other : threads.one
    outliers.attemptEnded(backend(made.slot), made.result)
  }
  const states = threads.states()
  if (made.kind === 'result' && made.result === RESULT_UNKNOWN && memory() !== before) return 'an unknown result changed something'
  if (states.includes('ejected and on trial')) return 'a backend is both out and on trial'
  if (states.filter((state) => state === 'ejected').length > maxRatio * BACKENDS) return 'too many are out'
  return ''
}

t.test('whatever comes: nothing is out and on trial, never are too many out, everything comes back, unknown results say nothing', async (t) => {
  let ejections = 0
  fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), fc.constantFrom(0, 0.2, 0.5, 1), (steps, maxRatio) => {
    const threads = new TwoThreads({ backends: BACKENDS, ejection: { maxRatio } })
    for (const made of steps) {
      const fault = faultOf(threads, made, maxRatio)
      if (fault !== '') throw new Error(fault)
    }
    ejections += threads.events.filter((event) => event.endsWith('ejected')).length
    threads.pass(EJECTION_RULES.maxMs)
    const { one, other } = threads
    for (const { reasons } of one.pool.backends) if ((reasons & REASON_EJECTED) !== 0) throw new Error('a backend stays out')
    for (let i = 0; i < OUTLIER_RULES.trialSuccesses; i++) for (const backend of other.pool.backends) other.outliers.attemptEnded(backend, 200)
    if (threads.states().some((state) => state !== '')) throw new Error('a backend does not come back')
  }), { seed: SEED, numRuns: 200 })
  t.ok(ejections > 100, 'the cases do eject')
})
