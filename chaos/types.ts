/** The words of a play: faults, gateways, and what came of putting one before the other. */
import type { Running } from '../bench/types.ts'
import type { Site } from '../bench/site.ts'
import type { Field, FieldKind } from './backends/field.ts'
import type { Figures } from './statistics.ts'

/** A part of a fault. */
export interface Step {
  /** From the fault's begin, in ms. */
  readonly atMs: number
  readonly act: (field: Field) => Promise<void>
}

export interface Fault {
  readonly name: string
  readonly title: string
  /** What happens, in a sentence or more. */
  readonly about: string
  /** The backends that it befalls. */
  readonly victims: readonly string[]
  readonly field: FieldKind
  /** The first one begins it, the last one ends it. */
  readonly steps: readonly Step[]
  /** Why it cannot be played here; undefined: it can. */
  missing? (): string | undefined
}

/** A gateway with its settings. */
export interface Gateway {
  /** A policy of ours, or the name of another gateway. */
  readonly name: string
  /** What its settings are called in the tables. */
  readonly settings: string
  readonly isOurs: boolean
  /** Starts it before backends (`host:port`) on the gateways' processor. It need not be ready. */
  start (site: Site, backends: readonly string[]): Promise<Running>
}

/** What came of a play. */
export interface Result {
  readonly gateway: Gateway
  /** Or why there are none. */
  readonly outcome: Figures | string
  /** The share of the processors' time that the host kept meanwhile, 0 to 1. */
  readonly stolen: number
}

/** All plays of a fault. */
export interface Act {
  readonly fault: Fault
  readonly results: readonly Result[]
  /** What could not be played as it should, a sentence each. */
  readonly notes: readonly string[]
}
