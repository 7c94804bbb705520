/** What scenarios have in common. */
import { type BackendModel, type Change, lognormal } from '../../src/testing/index.ts'

export const SECOND_MS = 1_000

/** A backend of which most scenarios have ten: four requests at a time, 20 ms each on average, so that it can serve 200 a second. */
export const WEB: BackendModel = { servers: 4, service: lognormal({ meanMs: 20 }) }

/** So many that are alike. */
export function alike (count: number, model: BackendModel = WEB): BackendModel[] {
  return Array.from({ length: count }, () => model)
}

/** Their processes are gone from one time to another. */
export function down (backends: readonly number[], fromMs: number, untilMs: number): Change[] {
  return [{ atMs: fromMs, backends, state: { mode: 'refuses' } }, { atMs: untilMs, backends, state: { mode: 'serves' } }]
}

/** Whole numbers from `first` on. */
export function range (first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
