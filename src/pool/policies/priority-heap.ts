/**
 * Items 0 to n - 1 in the order of two numbers each, smallest first: the first one is at hand, and a change takes logarithmic time. A
 * binary heap that knows where each item stands. Nothing is allocated once it is made.
 */

/** Where an item stands that has not been set yet. */
const NOWHERE = -1

export class PriorityHeap {
  /** Items by place; the children of place p are at 2p + 1 and 2p + 2. */
  readonly #items: Int32Array
  /** Places by item. */
  readonly #places: Int32Array
  readonly #loads: Float64Array
  readonly #turns: Float64Array
  readonly #isHidden: Uint8Array
  #size = 0

  constructor (capacity: number) {
    this.#items = new Int32Array(capacity)
    this.#places = new Int32Array(capacity).fill(NOWHERE)
    this.#loads = new Float64Array(capacity)
    this.#turns = new Float64Array(capacity)
    this.#isHidden = new Uint8Array(capacity)
  }

  /** Sets an item's numbers: `load` decides, `turn` where loads are equal. */
  set (item: number, load: number, turn: number): void {
    this.#loads[item] = load
    this.#turns[item] = turn
    this.#settle(item)
  }

  /** Puts an item behind all others until it is shown again. */
  hide (item: number): void {
    this.#isHidden[item] = 1
    this.#settle(item)
  }

  show (item: number): void {
    this.#isHidden[item] = 0
    this.#settle(item)
  }

  /** The first item that is not hidden; -1 if there is none. */
  first (): number {
    const item = this.#items[0]
    return this.#size === 0 || item === undefined || this.#isHidden[item] === 1 ? -1 : item
  }

  #settle (item: number): void {
    let place = this.#places[item] ?? NOWHERE
    if (place === NOWHERE) {
      place = this.#size++
      this.#put(item, place)
    }
    this.#down(this.#up(place))
  }

  #up (from: number): number {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(place, parent)) break
      this.#swap(place, parent)
      place = parent
    }
    return place
  }

  #down (from: number): void {
    let place = from
    for (;;) {
      const left = 2 * place + 1
      if (left >= this.#size) return
      const child = left + 1 < this.#size && this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#isBefore(child, place)) return
      this.#swap(child, place)
      place = child
    }
  }

  /** Whether what stands at place `a` comes before what stands at `b`. */
  #isBefore (a: number, b: number): boolean {
    const one = this.#items[a] ?? 0
    const other = this.#items[b] ?? 0
    const hidden = (this.#isHidden[one] ?? 0) - (this.#isHidden[other] ?? 0)
    if (hidden !== 0) return hidden < 0
    const loads = (this.#loads[one] ?? 0) - (this.#loads[other] ?? 0)
    if (loads !== 0) return loads < 0
    const turns = (this.#turns[one] ?? 0) - (this.#turns[other] ?? 0)
    return turns === 0 ? one < other : turns < 0
  }

  #swap (a: number, b: number): void {
    const one = this.#items[a] ?? 0
    this.#put(this.#items[b] ?? 0, a)
    this.#put(one, b)
  }

  #put (item: number, place: number): void {
    this.#items[place] = item
    this.#places[item] = place
  }
}
