/** How the backends of a request were chosen, and what became of its attempts: written down as it happens, for requests that are to be explained. */
import type { ClientRequest } from '../client/client-side.ts'
import type { PickExplanation } from '../pool/explain.ts'
import type { PickContext } from '../pool/policy.ts'
import type { Pool } from '../pool/pool.ts'
import { EXPLAIN_FIELD } from '../wire/fields.ts'

/** A choice, with what it was made of. */
export interface ExplainedPick extends PickExplanation {
  /** Who was chosen; undefined if nobody was left. */
  readonly picked: string | undefined
  /** policy: by its rule. sticky: by the client's cookie. */
  readonly by: 'policy' | 'sticky'
}

export interface ExplainedAttempt {
  readonly backend: string
  /** The status of the answer, or the code of what went wrong; `overtaken` if another attempt was answered before. */
  readonly result: string
}

/** Backends that are named in a field; of a large pool the first ones. */
const NAMED = 10

/** A field must not be larger than what clients take. */
const MAX_FIELD_LENGTH = 4_000

export class Explanation {
  readonly picks: ExplainedPick[] = []
  readonly attempts: ExplainedAttempt[] = []
  /** Whether it goes out with the answer. */
  readonly isAsked: boolean

  constructor (isAsked: boolean) {
    this.isAsked = isAsked
  }

  /** Chooses with `choose`, and notes what there was to choose from before. */
  notePick<Picked extends { readonly url: string } | undefined> (pool: Pool, context: PickContext, by: ExplainedPick['by'], choose: () => Picked): Picked {
    const before = pool.explain(context)
    const picked = choose()
    // Whoever waits looks again and again: of what it looked for in vain the last time is enough.
    if (picked === undefined && this.picks.at(-1)?.picked === undefined) this.picks.pop()
    this.picks.push({ ...before, picked: picked?.url, by })
    return picked
  }

  noteAttempt (backend: string, result: string | number): void {
    this.attempts.push({ backend, result: String(result) })
  }

  /** As one line of JSON in ASCII, of a bounded length. */
  asField (): string {
    const whole = asciiJson({ picks: this.picks.map(shortened), attempts: this.attempts })
    if (whole.length <= MAX_FIELD_LENGTH) return whole
    const picks = this.picks.map(({ picked, by, policy }) => ({ picked, by, policy }))
    for (let named = NAMED; named > 0; named--) {
      const text = asciiJson({ picks: picks.slice(0, named), attempts: this.attempts.slice(0, named), shortened: true })
      if (text.length <= MAX_FIELD_LENGTH) return text
    }
    return asciiJson({ picks: [], attempts: [], shortened: true })
  }
}

/** Whether a request asks for an explanation and may: from a trusted peer, with its field. */
export function asksForExplanation ({ raw, peer }: ClientRequest): boolean {
  return peer.isTrusted && raw.headers[EXPLAIN_FIELD] !== undefined
}

function shortened ({ candidates, leftOut, ...pick }: ExplainedPick): object {
  return {
    ...pick,
    candidates: candidates.slice(0, NAMED),
    leftOut: leftOut.slice(0, NAMED),
    ...(candidates.length > NAMED && { moreCandidates: candidates.length - NAMED }),
    ...(leftOut.length > NAMED && { moreLeftOut: leftOut.length - NAMED })
  }
}

/** A policy of a plugin may say anything, but a field takes no more than ASCII. */
function asciiJson (value: object): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
