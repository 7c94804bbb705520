/** wrk: as many requests as a number of connections can carry. */
import { join } from 'node:path'
import { GRACE_MS, runLoad } from '../processes.ts'

export interface WrkOptions {
  readonly url: string
  readonly connections: number
  /** wrk itself knows whole seconds; for a fraction it is interrupted, which it answers with its report. */
  readonly seconds: number
  /** `name: value`, besides Host. */
  readonly fields?: readonly string[]
  /** The bytes of the body of a POST; default: GET. */
  readonly postBytes?: number
}

export interface WrkReport {
  readonly requests: number
  readonly seconds: number
  readonly bytes: number
  /** Answers that were not 2xx or 3xx, and what went wrong with connections. */
  readonly errors: number
  /** Which errors, for people. */
  readonly fault: string
}

/** Until it listens to an interrupt. */
const START_MS = 100
const SECONDS_AT_MOST = 3_600
const ANSWER_TIMEOUT_SECONDS = 15

export async function wrk ({ url, connections, seconds, fields = [], postBytes }: WrkOptions): Promise<WrkReport> {
  const script = postBytes === undefined ? [] : ['-s', join(import.meta.dirname, 'post.lua')]
  const scriptArgs = postBytes === undefined ? [] : ['--', String(postBytes)]
  const isWhole = Number.isInteger(seconds)
  const output = await runLoad('wrk', [
    '-t1', `-c${connections}`, `-d${isWhole ? seconds : SECONDS_AT_MOST}s`, '--timeout', `${ANSWER_TIMEOUT_SECONDS}s`, ...fields.flatMap((field) => ['-H', field]), ...script, url, ...scriptArgs
  ], { limitMs: seconds * 1_000 + GRACE_MS, ...(!isWhole && { interruptMs: seconds * 1_000 + START_MS }) })
  return readWrk(output)
}

/** Reads what wrk prints at its end; throws if it is not that. */
export function readWrk (output: string): WrkReport {
  const line = /(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)([KMGT]?)B read/.exec(output)
  if (line === null) throw new Error(`wrk told nothing: ${output}`)
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const broken = /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0
  return {
    requests: Number(line[1]),
    seconds: Number(line[2]) * (SECONDS[line[3] ?? ''] ?? NaN),
    bytes: Number(line[4]) * 1_024 ** ' KMGT'.indexOf(line[5] === '' ? ' ' : line[5] ?? ''),
    errors: bad + broken,
    fault: `${bad} answers that were not 2xx or 3xx, ${broken} connections that broke or were silent`
  }
}

const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60 }
