/**
 * The order in which weighted backends take their turns: each as often as its weight has it, and never more in a row than need be. It
 * is made once, when weights change, so that a turn is a look into a list, and all threads can take their turns from one cursor.
 */

/** The longest order, in turns for each backend on average: weights that need a longer one are rounded. */
const MAX_TURNS_EACH = 64
/** But no order of up to this length is rounded. */
const MIN_ROUNDED_TURNS = 4_096

/** Up to this many comparisons the order is nginx's; making it takes a comparison for each turn and each backend. */
const MAX_COMPARISONS = 4_000_000

/** Weights that are no whole numbers (while a backend warms up) are taken in steps of this. */
const STEP = 1 / 100

/** The part of the golden ratio behind the point: its multiples keep as far apart as can be. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/** For each turn of a cycle the index of the weight whose turn it is. `weights` are above 0. */
export function smoothOrder (weights: readonly number[]): Int32Array<ArrayBuffer> {
  const shares = wholeShares(weights)
  const turns = shares.reduce((sum, share) => sum + share, 0)
  return turns * shares.length <= MAX_COMPARISONS ? asNginx(shares, turns) : byDeadline(shares, turns)
}

/** Whole numbers in the same proportion, as near as the length of the order allows. */
function wholeShares (weights: readonly number[]): number[] {
  const isWhole = weights.every((weight) => Number.isInteger(weight))
  const wanted = isWhole ? [...weights] : weights.map((weight) => Math.max(1, Math.round(weight / STEP)))
  const divisor = wanted.reduce(greatestCommonDivisor, 0)
  const shares = wanted.map((share) => share / divisor)
  const turns = shares.reduce((sum, share) => sum + share, 0)
  const limit = Math.max(MIN_ROUNDED_TURNS, MAX_TURNS_EACH * shares.length)
  return turns <= limit ? shares : shares.map((share) => Math.max(1, Math.round(share * limit / turns)))
}

/**
 * nginx's smooth weighted round-robin (`ngx_http_upstream_get_peer`, since 1.3.1): at each turn everybody gains its weight, whoever has
 * most is chosen, and pays all that was gained. Weights of 5, 1 and 1 take turns as a a b a c a a.
 */
function asNginx (shares: readonly number[], turns: number): Int32Array<ArrayBuffer> {
  const order = new Int32Array(turns)
  const current = new Float64Array(shares.length)
  for (let turn = 0; turn < turns; turn++) {
    let best = 0
    for (let i = 0; i < shares.length; i++) {
      current[i] = (current[i] ?? 0) + (shares[i] ?? 0)
      if ((current[i] ?? 0) > (current[best] ?? 0)) best = i
    }
    current[best] = (current[best] ?? 0) - turns
    order[turn] = best
  }
  return order
}

/**
 * For many: every turn of everybody has its time in the cycle, and they come in the order of these. Those of one weight share a train of
 * evenly spaced times and take them in turn; the trains of different weights begin apart, so that they do not meet again and again.
 */
function byDeadline (shares: readonly number[], turns: number): Int32Array<ArrayBuffer> {
  const owners = new Int32Array(turns)
  const times = new Float64Array(turns)
  let turn = 0
  let offset = 0.5
  for (const [share, group] of Map.groupBy(shares.keys(), (i) => shares[i] ?? 1)) {
    for (const [rank, i] of group.entries()) {
      const phase = (rank + offset) / group.length
      for (let k = 0; k < share; k++, turn++) {
        owners[turn] = i
        times[turn] = (k + phase) / share
      }
    }
    offset = (offset + GOLDEN_RATIO) % 1
  }
  return sortedByTime(owners, times)
}

/** In linear time: the times, from 0 to 1, are sorted into as many parts as there are, and stay as they come within a part. */
function sortedByTime (owners: Int32Array, times: Float64Array): Int32Array<ArrayBuffer> {
  const count = owners.length
  const places = new Int32Array(count + 1)
  const partOf = (turn: number): number => Math.floor((times[turn] ?? 0) * count)
  for (let turn = 0; turn < count; turn++) places[partOf(turn) + 1] = (places[partOf(turn) + 1] ?? 0) + 1
  for (let part = 0; part < count; part++) places[part + 1] = (places[part + 1] ?? 0) + (places[part] ?? 0)
  const order = new Int32Array(count)
  for (let turn = 0; turn < count; turn++) {
    const place = places[partOf(turn)] ?? 0
    places[partOf(turn)] = place + 1
    order[place] = owners[turn] ?? 0
  }
  return order
}

function greatestCommonDivisor (a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
