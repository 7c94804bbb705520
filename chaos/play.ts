/** One play: a gateway before three backends, under load, and a fault that begins and ends. */
import { untilAnswers } from '../bench/ready.ts'
import type { Site } from '../bench/site.ts'
import { processorAccount, stolenRatio } from '../bench/stolen.ts'
import { type Field, startField } from './backends/field.ts'
import { playLoad } from './load/run.ts'
import { figuresOf, type Figures } from './statistics.ts'
import { BEGIN_MS, END_MS, monotonicMs, STOP_MS, until, WARM_UP_MS } from './times.ts'
import type { Fault, Gateway, Result } from './types.ts'

/** Plays it. What fails is in the result; nothing of it is left over, however it ends. */
export async function play (site: Site, fault: Fault, gateway: Gateway, seed: number): Promise<Result> {
  const before = processorAccount()
  const outcome = await figures(site, fault, gateway, seed).catch((error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`)
  return { gateway, outcome, stolen: stolenRatio(before, processorAccount()) }
}

async function figures (site: Site, fault: Fault, gateway: Gateway, seed: number): Promise<Figures> {
  const field = await startField(site, fault.field)
  try {
    const { process, port } = await gateway.start(site, field.backends.map(({ address }) => address))
    try {
      await untilAnswers(`http://127.0.0.1:${port}`, process)
      return await underLoad(field, fault, `127.0.0.1:${port}`, seed)
    } finally {
      await process.stop()
    }
  } finally {
    await field.end()
  }
}

async function underLoad (field: Field, fault: Fault, address: string, seed: number): Promise<Figures> {
  const zeroMs = monotonicMs() + WARM_UP_MS
  const stopMs = zeroMs + STOP_MS
  // Both to their end, also if the other one fails: what comes next needs the machine.
  const [load, played] = await Promise.allSettled([playLoad({ address, stopMs, seed }), playFault(field, fault, zeroMs)])
  if (played.status === 'rejected') throw played.reason
  if (load.status === 'rejected') throw load.reason
  return figuresOf(load.value, { zeroMs, stopMs, ...played.value }, fault.victims)
}

/** When it began, and when all was as before again. */
async function playFault (field: Field, { steps }: Fault, zeroMs: number): Promise<{ readonly begunMs: number, readonly endedMs: number }> {
  let begunMs: number | undefined
  for (const { atMs, act } of steps) {
    await until(zeroMs + BEGIN_MS + atMs)
    begunMs ??= monotonicMs()
    await act(field)
  }
  return { begunMs: begunMs ?? zeroMs + BEGIN_MS, endedMs: Math.max(monotonicMs(), zeroMs + END_MS) }
}
