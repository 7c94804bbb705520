/** Passive health of a pool: watching attempts, ending ejections and comparing rates. */
import t from 'tap'
import { PassiveHealth, type PassiveRules } from '../../src/health/passive.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { RESULT_FAILED } from '../../src/pool/policy.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { NOTE_TRIAL, REASON_EJECTED } from '../../src/pool/slots.ts'
import { madePool } from '../pool/made-pool.ts'

const RULES: PassiveRules = { failuresInRow: 3, statuses: [503], trialSuccesses: 2, baseMs: 1_000, maxMs: 5_000, maxRatio: 0.5, comparesRates: true }

/** A pool under watch, on a clock that the test sets. */
class Watched {
  readonly pool: Pool
  readonly passive: PassiveHealth
  nowMs = Date.UTC(2030, 0, 1)
  /** Such as `1 ejected: 3 failures in a row`. */
  readonly events: string[] = []

  constructor (rules: Partial<PassiveRules> = {}, pool = madePool(Array.from({ length: 6 }, (_, slot) => `http://${slot}`))) {
    this.pool = pool
    this.passive = new PassiveHealth({
      pool,
      rules: { ...RULES, ...rules },
      wallClockMs: () => this.nowMs,
      onEvent: ({ slot }: Backend, event, reason) => { this.events.push(`${slot} ${event}: ${reason}`) }
    })
  }

  get out (): number[] {
    return this.pool.backends.filter(({ reasons }) => (reasons & REASON_EJECTED) !== 0).map(({ slot }) => slot)
  }

  backend (slot: number): Backend {
    const backend = this.pool.backends[slot]
    if (backend === undefined) throw new Error(`no backend ${slot}`)
    return backend
  }

  /** Attempts in one thread, so many for each backend; of those of `slot` so many fail. */
  attempts (each: number, slot = 0, failures = 0): void {
    attempts(this.pool, each, slot, failures)
  }

  /** An attempt from its beginning to its end. */
  attempt (slot: number, result: number): void {
    this.pool.begin(this.backend(slot))
    this.pool.ended(this.backend(slot), NaN, result)
  }
}

function attempts ({ backends, counters }: Pool, each: number, slot: number, failures: number): void {
  for (const backend of backends) {
    for (let i = 0; i < each; i++) {
      counters.attemptStarted(backend.slot)
      counters.attemptEnded(backend.slot)
    }
  }
  for (let i = 0; i < failures; i++) counters.attemptFailed(slot)
}

t.test('who fails much more often than the others is ejected, and why is said in figures', async (t) => {
  const watched = new Watched()
  watched.attempts(200, 4, 100)
  watched.passive.compareRates()
  t.strictSame(watched.out, [4])
  t.match(watched.events, [/^4 ejected: 50\.0% of 200 attempts were good, at least \d\d\.\d% should have been; out for 1000 ms$/])
})

t.test('answers with a bad status count like attempts that failed', async (t) => {
  const watched = new Watched()
  watched.attempts(200, 4, 50)
  for (let i = 0; i < 50; i++) watched.pool.counters.badAnswer(4)
  watched.passive.compareRates()
  t.match(watched.events, [/^4 ejected: 50\.0% of 200/])
})

t.test('only what has happened since the last comparison counts', async (t) => {
  const watched = new Watched()
  watched.attempts(5_000)
  watched.passive.compareRates()
  watched.attempts(200, 1, 100)
  watched.passive.compareRates()
  t.strictSame(watched.out, [1], 'long peace does not excuse')
  watched.passive.compareRates()
  watched.attempts(200)
  watched.passive.compareRates()
  t.equal(watched.events.length, 1, 'what was judged is not judged again')
})

t.test('what had happened before anybody watched does not count', async (t) => {
  const pool = madePool(Array.from({ length: 6 }, (_, slot) => `http://${slot}`))
  attempts(pool, 200, 1, 100)
  const watched = new Watched({}, pool)
  watched.passive.compareRates()
  t.strictSame(watched.out, [])
})

t.test('a backend on trial is not judged by its rate: its trial does that', async (t) => {
  const watched = new Watched()
  watched.pool.board.set(4, NOTE_TRIAL)
  watched.attempts(200, 4, 200)
  watched.passive.compareRates()
  t.strictSame([watched.out, watched.backend(4).isOnTrial], [[], true])
})

t.test('rates are not compared where that is off', async (t) => {
  const watched = new Watched({ comparesRates: false })
  watched.attempts(200, 4, 200)
  watched.passive.compareRates()
  t.strictSame(watched.out, [])
})

t.test('attempts that fail in a row eject where they are watched, and nowhere else', async (t) => {
  const watched = new Watched()
  for (let i = 0; i < 9; i++) watched.attempt(2, RESULT_FAILED)
  t.strictSame(watched.out, [])
  watched.passive.watch()
  for (let i = 0; i < 3; i++) watched.attempt(2, i === 1 ? 503 : RESULT_FAILED)
  t.strictSame([watched.out, watched.events], [[2], ['2 ejected: 3 failures in a row, the last: no whole answer; out for 1000 ms']])
})

t.test('an ejection ends when its time is over, and good answers end the trial', async (t) => {
  const watched = new Watched()
  watched.passive.watch()
  for (let i = 0; i < 3; i++) watched.attempt(2, RESULT_FAILED)
  watched.nowMs += 999
  watched.passive.endEjections()
  t.strictSame(watched.out, [2])
  watched.nowMs += 1
  watched.passive.endEjections()
  for (let i = 0; i < 2; i++) watched.attempt(2, 200)
  t.strictSame(watched.events.slice(1), ['2 on trial: its time is over', '2 restored: 2 good answers'])
  t.equal(watched.backend(2).isOnTrial, false)
})
