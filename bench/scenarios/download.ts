/** Large answers. */
import { FILES } from '../backends.ts'
import { runProgram } from '../load/programs.ts'
import type { Scenario } from '../types.ts'
import { addressOf, throughput } from './common.ts'
import { requestScenario } from './requests.ts'

const MIB = 1_024 * 1_024
const HUGE_CONNECTIONS = 4

export const answers16k = requestScenario({
  name: 'answer-16k', title: 'Answers of 16 KiB', about: '64 connections (wrk).', path: '/16k'
})

export const answers1m = requestScenario({
  name: 'answer-1m', title: 'Answers of 1 MiB', about: '16 connections (wrk), whole answers counted.', path: '/1m', connections: 16, countsBytes: true
})

const byWrk = requestScenario({
  name: 'answer-100m', title: 'Answers of 100 MiB', about: `${HUGE_CONNECTIONS} connections (a program of ours); bytes are counted as they come.`, path: '/100m', countsBytes: true
})

export const answers100m: Scenario = {
  ...byWrk,
  measure: async (target, site, load) => await throughput(target, async () => {
    const { bytes = 0, seconds = NaN } = await runProgram(site, 'download', {
      address: addressOf(target), path: '/100m', seconds: load.seconds, connections: load.connections ?? HUGE_CONNECTIONS, expected: FILES['/100m']
    })
    return { units: bytes / MIB, seconds }
  })
}
