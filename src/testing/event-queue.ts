/** What is going to happen, in the order of its time; of what happens at the same time, what was arranged first comes first. A binary heap. */

/** Something that is going to happen. Nothing happens once `callback` is taken away. */
export interface PlannedEvent {
  readonly atMs: number
  /** Its number: how many were arranged before. */
  readonly order: number
  callback: (() => void) | undefined
}

export class EventQueue {
  /** The children of place p are at 2p + 1 and 2p + 2. */
  readonly #heap: PlannedEvent[] = []
  #count = 0

  /** When the next event is, in ms; Infinity if there is none. */
  get nextMs (): number {
    this.#dropCancelled()
    return this.#heap[0]?.atMs ?? Infinity
  }

  add (atMs: number, callback: () => void): PlannedEvent {
    const event = { atMs, order: this.#count++, callback }
    this.#heap.push(event)
    this.#up(this.#heap.length - 1)
    return event
  }

  /** Takes the next event out. */
  take (): PlannedEvent | undefined {
    this.#dropCancelled()
    return this.#takeFirst()
  }

  /** Cancelled ones stay until they are the first: to look for them would cost more. */
  #dropCancelled (): void {
    while (this.#heap[0] !== undefined && this.#heap[0].callback === undefined) this.#takeFirst()
  }

  #takeFirst (): PlannedEvent | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    this.#heap[0] = last
    this.#down()
    return first
  }

  #up (from: number): void {
    const heap = this.#heap
    const event = heap[from]
    if (event === undefined) return
    let place = from
    while (place > 0) {
      const parent = heap[(place - 1) >> 1]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[place] = parent
      place = (place - 1) >> 1
    }
    heap[place] = event
  }

  #down (): void {
    const heap = this.#heap
    const event = heap[0]
    if (event === undefined) return
    let place = 0
    for (;;) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]]
      if (left === undefined) break
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (!isBefore(child, event)) break
      heap[place] = child
      place = 2 * place + (isRight ? 2 : 1)
    }
    heap[place] = event
  }
}

function isBefore (a: PlannedEvent, b: PlannedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
