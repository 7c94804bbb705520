/**
 * Nothing flaps: whatever probes and answers say, in whichever order, the states of a backend follow the diagram of docs/health.md, and no
 * verdict is taken back before its time.
 */
import t from 'tap'
import { PassiveHealth } from '../../src/health/passive.ts'
import { Thresholds } from '../../src/health/thresholds.ts'
import { RESULT_FAILED, RESULT_UNKNOWN } from '../../src/pool/policy.ts'
import type { Backend } from '../../src/pool/backend.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { FRESH, madePool } from '../pool/made-pool.ts'

const SEEDS = 40
const STEPS = 3_000
const STARTED_MS = Date.UTC(2030, 0, 1)
const RISE = 2
const FALL = 3
const RULES = { failuresInRow: 4, statuses: [503], trialSuccesses: 2, baseMs: 1_000, maxMs: 8_000, maxRatio: 0.5, comparesRates: true }

const BAD_RESULTS = [RESULT_FAILED, 503]

/** What may follow what. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  closed: ['ejected'],
  ejected: ['on trial'],
  'on trial': ['ejected', 'restored'],
  restored: ['ejected']
}

interface Seen {
  readonly event: string
  readonly atMs: number
}

/** A pool whose probes and answers are drawn at random, with what happened to each backend. */
class Drawn {
  readonly pool = madePool(['http://a', 'http://b', 'http://c', 'http://d'], { nowMs: STARTED_MS })
  readonly ejections: Seen[][] = this.pool.backends.map(() => [])
  readonly verdicts: Seen[][] = this.pool.backends.map(() => [])
  /** Probes since the last verdict changed, by backend. */
  readonly probes: boolean[][] = this.pool.backends.map(() => [])
  mostOut = 0
  #nowMs = STARTED_MS
  readonly #random: () => number
  readonly #thresholds = this.pool.backends.map(() => new Thresholds({ rise: RISE, fall: FALL }))
  readonly #passive = new PassiveHealth({
    pool: this.pool,
    rules: RULES,
    wallClockMs: () => this.#nowMs,
    onEvent: (backend, event) => { this.ejections[backend.slot]?.push({ event, atMs: this.#nowMs }) }
  })

  constructor (seed: number) {
    this.#random = seededRandom(seed)
    this.#passive.watch()
  }

  step (): void {
    const kind = this.#random()
    if (kind < 0.2) this.#pass(Math.floor(this.#random() * 500))
    else if (kind < 0.4) this.#probe()
    else this.#request()
    if (kind < 0.01) this.#passive.compareRates()
    this.mostOut = Math.max(this.mostOut, this.ejections.filter((events) => events.at(-1)?.event === 'ejected').length)
  }

  #pass (ms: number): void {
    this.#nowMs += ms
    this.#passive.endEjections()
  }

  #probe (): void {
    const slot = Math.floor(this.#random() * this.pool.backends.length)
    const backend = this.pool.backends[slot]
    const good = this.#random() < 0.6
    this.probes[slot]?.push(good)
    const healthy = this.#thresholds[slot]?.observe(good) ?? good
    if (backend !== undefined && this.pool.verdicts.judge(backend, healthy, 'drawn', this.#nowMs)) this.verdicts[slot]?.push({ event: healthy ? 'up' : 'down', atMs: this.probes[slot]?.length ?? 0 })
  }

  #request (): void {
    const backend: Backend | undefined = this.pool.pick(FRESH)
    if (backend === undefined || !this.pool.begin(backend)) return
    // The first two fail often, the others hardly ever.
    const isBad = this.#random() < (backend.slot < 2 ? 0.5 : 0.02)
    const result = isBad ? BAD_RESULTS[Math.floor(this.#random() * BAD_RESULTS.length)] : 200
    this.pool.ended(backend, 1, this.#random() < 0.1 ? RESULT_UNKNOWN : result ?? RESULT_FAILED)
  }
}

/** All that was drawn, a seed each. */
const DRAWN = Array.from({ length: SEEDS }, (_, index) => {
  const drawn = new Drawn(index + 1)
  for (let step = 0; step < STEPS; step++) drawn.step()
  return drawn
})

/** What is wrong with the order of these events, or with how long an ejection lasted. */
function faults (events: readonly Seen[]): string[] {
  return events.flatMap(({ event, atMs }, index) => {
    const before = events[index - 1] ?? { event: 'closed', atMs: STARTED_MS }
    const isShort = before.event === 'ejected' && atMs - before.atMs < RULES.baseMs
    return [
      ...NEXT[before.event]?.includes(event) === true ? [] : [`${event} after ${before.event}`],
      ...isShort ? [`on trial after ${atMs - before.atMs} ms`] : []
    ]
  })
}

t.test('the states follow the diagram, an ejection lasts as long as it was said to, and half of them are out at most', async (t) => {
  t.strictSame(DRAWN.flatMap(({ ejections }) => ejections.flatMap(faults)), [])
  t.ok(DRAWN.every(({ mostOut }) => mostOut <= 2))
  t.ok(DRAWN.some(({ mostOut }) => mostOut === 2), 'there was something to see')
})

t.test('a verdict of probes changes only after as many in a row as are asked for', async (t) => {
  // The very first probe decides alone.
  const changes = DRAWN.flatMap(({ verdicts, probes }) => verdicts.flatMap((ofOne, slot) => ofOne.slice(1).map(({ event, atMs: count }) => {
    const isUp = event === 'up'
    return (probes[slot] ?? []).slice(count - (isUp ? RISE : FALL), count).every((good) => good === isUp)
  })))
  t.ok(changes.length > SEEDS, 'there was something to see')
  t.ok(changes.every(Boolean))
})

t.test('a backend that is well is never ejected, and one that always fails is out most of the time', async (t) => {
  let nowMs = STARTED_MS
  const pool = madePool(['http://a', 'http://b', 'http://c'], { nowMs })
  const events: string[] = []
  const passive = new PassiveHealth({ pool, rules: RULES, wallClockMs: () => nowMs, onEvent: ({ url }, event) => { events.push(`${url} ${event}`) } })
  passive.watch()
  let served = 0
  for (let i = 0; i < 60_000; i++) {
    nowMs += 1
    passive.endEjections()
    const backend = pool.pick(FRESH)
    if (backend === undefined || !pool.begin(backend)) continue
    const isBad = backend.url === 'http://a'
    if (isBad) served++
    pool.ended(backend, 1, isBad ? RESULT_FAILED : 200)
  }
  t.strictSame(events.filter((event) => !event.startsWith('http://a')), [])
  // 1 + 2 + 4 + 8 + 8 ... s: ten ejections in a minute, after four failures and then after one each.
  t.ok(served <= 16, `${served} requests of 60000 went there`)
})
