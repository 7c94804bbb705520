/** What a modelled backend has in memory: the keys that were asked for last, so many of them (LRU). */

export class KeyCache {
  readonly #size: number
  /** A set keeps the order in which its members came. */
  readonly #keys = new Set<number>()

  constructor (size: number) {
    this.#size = size
  }

  /** Whether it is there; from now on it is, and was asked for last. */
  touch (key: number): boolean {
    const isHit = this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > this.#size) this.#dropOldest()
    return isHit
  }

  clear (): void {
    this.#keys.clear()
  }

  #dropOldest (): void {
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest)
      return
    }
  }
}
