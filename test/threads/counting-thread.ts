/** A thread that drives the shared counters as it is told, in an endless loop or a number of times. */
import { parentPort, workerData } from 'node:worker_threads'
import { Counters, type CountersOptions } from '../../src/pool/counters.ts'
import { Gauges, type GaugesOptions } from '../../src/pool/gauges.ts'

/** A step: an attempt at a backend that begins, or one of those that have begun that ends; a place that is asked for, or given back. */
export type Step = readonly ['start' | 'end' | 'acquire' | 'release', number]

export interface CountingOrder {
  readonly kind: 'counting'
  readonly counters: CountersOptions
  readonly gauges: GaugesOptions
  readonly limit: number
  /** For each thread a row with the places that it knows to have: written behind each success, and before each return. */
  readonly granted: SharedArrayBuffer
  readonly steps: readonly Step[]
  /** How often all steps are gone through; Infinity: until the thread is ended. */
  readonly times: number
}

/** What the thread holds when it has gone through all of them, and what it did. */
export interface Counted {
  readonly kind: 'counted'
  readonly inFlight: readonly number[]
  readonly requests: readonly number[]
  readonly places: readonly number[]
  /** The most places that it has seen to be taken of one gauge, over all threads. */
  readonly maxPlaces: number
}

const order: unknown = workerData
if (!isOrder(order)) throw new Error('there is nothing to do')
const { limit, gauges: { row = 0 }, steps, times } = order
const granted = new Int32Array(order.granted)
const counters = new Counters(order.counters)
const gauges = new Gauges(order.gauges)
const inFlight = Array.from({ length: counters.capacity }, () => 0)
const requests = inFlight.slice()
const places = Array.from({ length: gauges.size }, () => 0)
let maxPlaces = 0

parentPort?.postMessage('ready')
for (let time = 0; time < times; time++) steps.forEach(take)
parentPort?.postMessage({ kind: 'counted', inFlight, requests, places, maxPlaces } satisfies Counted)
// Nothing of what it holds is given back before it ends.
parentPort?.on('message', () => {})

function take ([what, which]: Step): void {
  const slot = which % counters.capacity
  const gauge = which % gauges.size
  if (what === 'start') {
    counters.attemptStarted(slot)
    inFlight[slot] = (inFlight[slot] ?? 0) + 1
    requests[slot] = (requests[slot] ?? 0) + 1
  } else if (what === 'end' && (inFlight[slot] ?? 0) > 0) {
    counters.attemptEnded(slot)
    inFlight[slot] = (inFlight[slot] ?? 0) - 1
  } else if (what === 'acquire') {
    if (gauges.acquire(gauge, limit)) noteGranted(gauge, 1)
  } else if (what === 'release' && (places[gauge] ?? 0) > 0) {
    noteGranted(gauge, -1)
    gauges.release(gauge)
  }
}

function noteGranted (gauge: number, difference: number): void {
  places[gauge] = (places[gauge] ?? 0) + difference
  Atomics.store(granted, row * gauges.size + gauge, places[gauge] ?? 0)
  let sum = 0
  for (let index = gauge; index < granted.length; index += gauges.size) sum += Atomics.load(granted, index)
  maxPlaces = Math.max(maxPlaces, sum)
}

function isOrder (value: unknown): value is CountingOrder {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'counting'
}
