/** What happened to backends: the last events of each, with time and reason. */

export interface TimelineEvent {
  /** When, in ms since the epoch. */
  readonly atMs: number
  readonly event: string
  readonly reason: string
}

/** Events of one backend that are kept. */
export const KEPT_EVENTS = 100

/** An event that seems to be older than the last one by more than this, in ms, is not late: the clock was set back. */
const MAX_LATE_MS = 10_000

export class Timeline {
  readonly #events = new Map<string, TimelineEvent[]>()

  /** Adds an event; `subject` is a backend's URL. The oldest ones make room. */
  add (subject: string, event: TimelineEvent): void {
    const events = this.#events.get(subject)
    if (events === undefined) {
      this.#events.set(subject, [event])
      return
    }
    // Another thread's may come a moment later than ours.
    const behind = events.findLastIndex(({ atMs }) => atMs <= event.atMs || atMs > event.atMs + MAX_LATE_MS)
    events.splice(behind + 1, 0, event)
    if (events.length > KEPT_EVENTS) events.shift()
  }

  /** Those of a backend, oldest first. */
  of (subject: string): readonly TimelineEvent[] {
    return this.#events.get(subject) ?? []
  }
}
