/** Requests with bodies, to backends that read them. */
import { warmUp } from '../measure.ts'
import { ask } from '../ready.ts'
import type { Scenario } from '../types.ts'
import { requestScenario } from './requests.ts'

const KIB = 1_024

export const uploadSmall = upload('post-1k', 1)
export const uploadLarge = upload('post-64k', 64)

function upload (name: string, kib: number): Scenario {
  const bytes = kib * KIB
  const scenario = requestScenario({
    name,
    title: `POST of ${kib} KiB`,
    about: `Bodies of ${kib} KiB, 64 connections (wrk), to backends that read them to the end; that they do is asked of each gateway before.`,
    postBytes: bytes,
    backends: 'bodies'
  })
  return {
    ...scenario,
    prepare: async (target, site, load) => {
      const { body } = await ask(target.origin, { body: 'x'.repeat(bytes) })
      if (body !== `received ${bytes}\n`) throw new Error(`the backend did not get the body: it answered "${body.slice(0, 100)}"`)
      await scenario.measure(target, site, warmUp(load))
    }
  }
}
