/** Faults that befall the processes of nginx. */
import { VICTIM } from '../backends/field.ts'
import type { Fault } from '../types.ts'
import { FAULT_MS, kill, send, startAgain, step } from './common.ts'

const VICTIMS = [VICTIM]
const HALF = ['b1', VICTIM]

/** How often the flapping one dies, and how long it is dead, in ms. */
const DIES_EVERY_MS = 1_000
const DEAD_MS = 500

export const killed: Fault = {
  name: 'killed',
  title: 'Killed',
  about: 'One of three backends gets SIGKILL: open connections are reset or closed, new ones refused. It is started again.',
  victims: VICTIMS,
  field: 'nginx',
  steps: [step(0, VICTIMS, kill), step(FAULT_MS, VICTIMS, startAgain)]
}

export const lostHalf: Fault = {
  name: 'lost-half',
  title: 'Two of three killed',
  about: 'The same, of two backends at once: the one that is left has three times its load.',
  victims: HALF,
  field: 'nginx',
  steps: [step(0, HALF, kill), step(FAULT_MS, HALF, startAgain)]
}

export const flapping: Fault = {
  name: 'flapping',
  title: 'Flapping',
  about: `One backend is killed every second, and started again after ${DEAD_MS} ms (the last time after a second).`,
  victims: VICTIMS,
  field: 'nginx',
  steps: Array.from({ length: FAULT_MS / DIES_EVERY_MS }, (_, death) => death * DIES_EVERY_MS).flatMap((diesMs) => [
    step(diesMs, VICTIMS, kill),
    step(diesMs + DIES_EVERY_MS === FAULT_MS ? FAULT_MS : diesMs + DEAD_MS, VICTIMS, startAgain)
  ])
}

export const stopped: Fault = {
  name: 'stopped',
  title: 'Stopped',
  about: 'One backend gets SIGSTOP, and SIGCONT at the end: the kernel goes on opening connections for it and taking requests, nobody answers. So do a process that ' +
    'is swapped out, one in a long pause of its garbage collector, and a machine that is being moved.',
  victims: VICTIMS,
  field: 'nginx',
  steps: [step(0, VICTIMS, send('SIGSTOP')), step(FAULT_MS, VICTIMS, send('SIGCONT'))]
}
