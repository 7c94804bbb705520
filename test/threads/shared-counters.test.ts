/**
 * The shared counters under several threads, some of which are ended at any moment (`worker.terminate()`), against a model: what
 * the threads hold that live on, as they know it themselves. What the dead ones held is given back exactly, and no limit
 * is ever exceeded.
 */
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type Arbitrary, array, assert, asyncProperty, constantFrom, nat, record, tuple } from 'fast-check'
import t from 'tap'
import { Counters } from '../../src/pool/counters.ts'
import { Gauges } from '../../src/pool/gauges.ts'
import type { Counted, CountingOrder, Step } from './counting-thread.ts'

const CAPACITY = 3
const GAUGES = 2
const LIMIT = 5
const RUNS = 25

interface Plan {
  /** What the threads do that live on. */
  readonly living: ReadonlyArray<readonly Step[]>
  /** What the others do over and over, and when they are ended, in ms. */
  readonly doomed: ReadonlyArray<{ readonly steps: readonly Step[], readonly afterMs: number }>
}

const step: Arbitrary<Step> = tuple(constantFrom('start', 'end', 'acquire', 'release'), nat({ max: CAPACITY * GAUGES - 1 }))
const steps = array(step, { minLength: 1, maxLength: 30 })
const plan: Arbitrary<Plan> = record({
  living: array(steps, { minLength: 1, maxLength: 2 }),
  doomed: array(record({ steps, afterMs: nat({ max: 8 }) }), { minLength: 1, maxLength: 2 })
})

t.test('whoever dies and when: the counters say what the living hold', async (t) => {
  let deaths = 0
  let maxPlaces = 0
  await assert(asyncProperty(plan, async ({ living, doomed }) => {
    const rows = 1 + living.length + doomed.length
    const counters = new Counters({ capacity: CAPACITY, rows })
    const gauges = new Gauges({ size: GAUGES, rows })
    const granted = new SharedArrayBuffer(rows * GAUGES * Int32Array.BYTES_PER_ELEMENT)
    let nextRow = 1
    const begin = async (todo: readonly Step[], times: number): Promise<{ worker: Worker, row: number }> => {
      const row = nextRow++
      const order: CountingOrder = {
        kind: 'counting',
        counters: { capacity: CAPACITY, rows, row, memory: counters.memory },
        gauges: { size: GAUGES, rows, row, memory: gauges.memory },
        limit: LIMIT, granted, steps: todo, times
      }
      const worker = new Worker(new URL('./counting-thread.ts', import.meta.url), { workerData: order })
      await once(worker, 'message')
      return { worker, row }
    }

    const dying = doomed.map(async ({ steps: todo, afterMs }) => {
      const { worker, row } = await begin(todo, Infinity)
      await wait(afterMs)
      const exited = once(worker, 'exit')
      await worker.terminate()
      await exited
      // First: from the moment it is given back on others may have it.
      new Int32Array(granted).fill(0, row * GAUGES, (row + 1) * GAUGES)
      counters.releaseRow(row)
      gauges.releaseRow(row)
      deaths++
    })
    const alive = await Promise.all(living.map(async (todo) => {
      const { worker } = await begin(todo, 2_000)
      const counted: unknown = (await once(worker, 'message')).at(0)
      if (!isCounted(counted)) throw new Error('it has not said what it holds')
      maxPlaces = Math.max(maxPlaces, counted.maxPlaces)
      return { worker, counted }
    }))
    await Promise.all(dying)

    const sum = (of: (counted: Counted) => number | undefined): number => alive.reduce((total, { counted }) => total + (of(counted) ?? 0), 0)
    const slots = [0, 1, 2]
    const seen = { inFlight: slots.map((slot) => counters.inFlight(slot)), places: [0, 1].map((gauge) => gauges.count(gauge)) }
    const model = { inFlight: slots.map((slot) => sum(({ inFlight }) => inFlight[slot])), places: [0, 1].map((gauge) => sum(({ places }) => places[gauge])) }
    const isAllCounted = slots.every((slot) => counters.requests(slot) >= sum(({ requests }) => requests[slot]))
    await Promise.all(alive.map(({ worker }) => worker.terminate()))
    return isAllCounted && JSON.stringify(seen) === JSON.stringify(model)
  }), { numRuns: RUNS, endOnFailure: true })
  t.ok(deaths >= RUNS, `${deaths} threads have died`)
  t.equal(maxPlaces, LIMIT, 'the limit was reached, and never exceeded')
})

function isCounted (value: unknown): value is Counted {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'counted'
}
