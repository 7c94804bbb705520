/** Plays cases, several at a time, until the time is up or enough was found. */
import { Arena } from './arena.ts'
import { type Attack, makeAttack } from './grammar.ts'
import { type MadeAnswer, makeAnswer, playAnswer } from './play-answer.ts'
import { type Played, playAttack } from './play-attack.ts'
import { seeded } from './random.ts'

/** A case that can be played again as it was. */
export type FuzzCase = { readonly kind: 'requests', readonly attack: Attack } | { readonly kind: 'answer', readonly answer: MadeAnswer }

export interface Finding {
  /** The seed of the case; undefined if it cannot be said which one it was. */
  readonly seed: number | undefined
  readonly faults: readonly string[]
  readonly played: FuzzCase | undefined
}

export interface Summary {
  readonly cases: number
  /** Cases of which something was passed on. */
  readonly accepted: number
  readonly refused: number
  readonly findings: readonly Finding[]
}

export interface FuzzOptions {
  /** The first case has this seed, the next ones those that follow. */
  readonly seed: number
  /** New cases are begun for so long, in ms. */
  readonly timeMs: number
  /** At most so many cases; default: as many as there is time for. */
  readonly maxCases?: number
}

/** Clients at a time. */
const LANES = 32

/** Cases after which all clients wait until nothing is in flight. */
const ROUND = 1_000

const MAX_FINDINGS = 5

/** Every so many cases a backend attacks, and not a client. */
const ANSWER_EVERY = 5

/** The case of a seed. */
export function caseOf (seed: number): FuzzCase {
  const random = seeded(seed)
  return seed % ANSWER_EVERY === 0 ? { kind: 'answer', answer: makeAnswer(random) } : { kind: 'requests', attack: makeAttack(random) }
}

/** Plays made-up cases against a gateway of its own. */
export async function fuzz ({ seed, timeMs, maxCases = Infinity }: FuzzOptions): Promise<Summary> {
  const endMs = performance.now() + timeMs
  const arenas = await Arenas.start()
  const findings: Finding[] = []
  let cases = 0
  let accepted = 0
  const goesOn = (): boolean => performance.now() < endMs && cases < maxCases && findings.length < MAX_FINDINGS
  const runLane = async (bound: number): Promise<void> => {
    while (goesOn() && cases < bound) {
      const caseSeed = seed + cases++
      const played = caseOf(caseSeed)
      const { faults, isAccepted } = await arenas.play(played)
      if (isAccepted) accepted++
      if (faults.length > 0) findings.push({ seed: caseSeed, faults, played })
    }
  }
  try {
    while (goesOn()) {
      const bound = cases + ROUND
      await Promise.all(Array.from({ length: LANES }, () => runLane(bound)))
      findings.push(...await arenas.leftOver())
    }
  } finally {
    await arenas.stop()
  }
  return { cases, accepted, refused: cases - accepted, findings }
}

/** Plays cases again, one after the other; what each one brings to light. */
export async function replay (cases: readonly FuzzCase[]): Promise<string[][]> {
  const arenas = await Arenas.start()
  try {
    const faults: string[][] = []
    for (const one of cases) {
      const played = await arenas.play(one)
      faults.push([...played.faults, ...(await arenas.leftOver()).flatMap((finding) => finding.faults)])
    }
    return faults
  } finally {
    await arenas.stop()
  }
}

/** Clients attack in one, backends in the other: what a backend does to its connections has the gateway send requests of others twice. */
class Arenas {
  readonly #requests: Arena
  readonly #answers: Arena
  #lastAnswer: Promise<unknown> = Promise.resolve()

  private constructor (requests: Arena, answers: Arena) {
    this.#requests = requests
    this.#answers = answers
  }

  static async start (): Promise<Arenas> {
    const [requests, answers] = await Promise.all([Arena.start(), Arena.start()])
    return new Arenas(requests, answers)
  }

  async play (one: FuzzCase): Promise<Played> {
    if (one.kind === 'requests') return await playAttack(this.#requests, one.attack)
    // One after the other: what a backend sends behind its answer may meet another request on the connection, and nobody could tell.
    const played = this.#lastAnswer.then(async () => await playAnswer(this.#answers, one.answer))
    this.#lastAnswer = played
    return await played
  }

  /** What shows only when all cases are over. */
  async leftOver (): Promise<Finding[]> {
    const faults: string[] = []
    for (const arena of [this.#requests, this.#answers]) {
      await arena.quiet()
      faults.push(...arena.takeFaults())
    }
    return faults.length === 0 ? [] : [{ seed: undefined, faults, played: undefined }]
  }

  async stop (): Promise<void> {
    await this.#requests.stop()
    await this.#answers.stop()
  }
}
