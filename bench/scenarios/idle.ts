/** What an idle connection costs. */
import { setTimeout as wait } from 'node:timers/promises'
import { execFileSync } from 'node:child_process'
import { holdConnections } from '../load/programs.ts'
import { wrk } from '../load/wrk.ts'
import { warmUp } from '../measure.ts'
import type { Sample, Scenario, Target } from '../types.ts'
import { addressOf, AGAINST_US, everyPeer } from './common.ts'

const WANTED = 10_000

/** Open files that a gateway may need besides those of idle connections. */
const OTHER_FILES = 2_000
const SETTLE_MS = 3_000
const WARM_UP_CONNECTIONS = 64
const MOST_ROUNDS = 3
const KIB = 1_024

/** As many as the limit of open files allows. */
export const IDLE_CONNECTIONS = Math.min(WANTED, openFiles() - OTHER_FILES)

export const idle: Scenario = {
  name: 'idle',
  title: `${IDLE_CONNECTIONS.toLocaleString('en')} idle connections`,
  about: `Resident memory (VmRSS) of a gateway before and after ${IDLE_CONNECTIONS} connections were opened and carried one small GET each, both after ${SETTLE_MS / 1_000} s of rest, ` +
    `divided by their number; a new process for each round, warmed up under load before. ${IDLE_CONNECTIONS < WANTED ? `Fewer than ${WANTED}, because a process may open no more files here. ` : ''}` +
    'What the kernel keeps for a socket is not in it.',
  metrics: [
    { key: 'kib', title: 'KiB/connection', digits: 1, better: 'less' },
    { key: 'before', title: 'MiB before', digits: 0, better: 'none' },
    { key: 'after', title: 'MiB with them', digits: 0, better: 'none' }
  ],
  comparison: AGAINST_US,
  isFresh: true,
  rounds: (asked) => Math.min(asked, MOST_ROUNDS),
  field: everyPeer(['forwarding', 'idle-connections']),
  prepare: async (target, _site, load) => {
    await wrk({ url: `${target.origin}/`, connections: WARM_UP_CONNECTIONS, seconds: warmUp(load).seconds })
  },
  measure: async (target, site, load) => {
    const wanted = load.connections ?? IDLE_CONNECTIONS
    const before = await settled(target)
    const held = await holdConnections(site, addressOf(target), wanted)
    try {
      if (held.open < wanted) throw new Error(`only ${held.open} of ${wanted} connections carried a request`)
      return sampleOf(before, await settled(target), wanted)
    } finally {
      await held.end()
    }
  }
}

async function settled ({ process }: Target): Promise<number> {
  await wait(SETTLE_MS)
  return process.residentBytes()
}

function sampleOf (before: number, after: number, connections: number): Sample {
  return { kib: (after - before) / connections / KIB, before: before / KIB / KIB, after: after / KIB / KIB }
}

function openFiles (): number {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))
  return Number.isNaN(limit) ? Infinity : limit
}
