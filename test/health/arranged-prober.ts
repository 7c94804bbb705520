/** A prober in virtual time, and what it does. */
import { type ProbeOutcome, Prober } from '../../src/health/prober.ts'
import { VirtualSchedule } from '../virtual-schedule.ts'

export const GOOD: ProbeOutcome = { good: true, reason: 'answered 200' }
export const INTERVAL_MS = 1_000
export const TIMEOUT_MS = 400

export interface SentProbe {
  readonly target: string
  readonly atMs: number
  readonly done: (outcome: ProbeOutcome) => void
  isCancelled: boolean
}

export interface Arrangement {
  readonly targets?: readonly string[]
  readonly downIntervalMs?: number
  readonly isDown?: (target: string) => boolean
  readonly jitterRatio?: number
  readonly timeoutMs?: number
  readonly random?: () => number
  /** What follows from a probe; default: an answer at once, though not within the call. */
  readonly onProbe?: (probe: SentProbe, schedule: VirtualSchedule) => void
  /** What follows from an outcome. */
  readonly onOutcome?: (prober: Prober<string>) => void
}

export const answerSoon = ({ done }: SentProbe, schedule: VirtualSchedule): void => { schedule.after(0, () => done(GOOD)) }
export const answerNever = (): void => {}

export interface Arranged {
  readonly schedule: VirtualSchedule
  readonly prober: Prober<string>
  readonly probes: readonly SentProbe[]
  /** What the prober told: `t=1000 a good: answered 200` and `t=1000 first round`. */
  readonly events: readonly string[]
  /** When the target was probed. */
  readonly timesOf: (target: string) => number[]
}

/** A prober in virtual time. */
export function arrange (arrangement: Arrangement = {}): Arranged {
  const { targets = ['a'], timeoutMs = TIMEOUT_MS, random = () => 0, onProbe = answerSoon, onOutcome } = arrangement
  const { downIntervalMs = 0, isDown = () => false, jitterRatio = 0 } = arrangement
  const schedule = new VirtualSchedule(random)
  const probes: SentProbe[] = []
  const events: string[] = []
  const prober = new Prober<string>({
    targets,
    intervalMs: INTERVAL_MS,
    downIntervalMs,
    isDown,
    jitterRatio,
    timeoutMs,
    schedule,
    probe: (target, done) => {
      const probe: SentProbe = { target, atMs: schedule.nowMs(), done, isCancelled: false }
      probes.push(probe)
      onProbe(probe, schedule)
      return () => { probe.isCancelled = true }
    },
    onOutcome: (target, { good, reason }) => {
      events.push(`t=${schedule.nowMs()} ${target} ${good ? 'good' : 'bad'}: ${reason}`)
      onOutcome?.(prober)
    },
    onFirstRound: () => { events.push(`t=${schedule.nowMs()} first round`) }
  })
  const timesOf = (target: string): number[] => probes.filter((probe) => probe.target === target).map(({ atMs }) => atMs)
  return { schedule, prober, probes, events, timesOf }
}
