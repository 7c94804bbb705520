/** h2load: HTTP/2 with TLS, several requests at a time on a connection. */
import { GRACE_MS, runLoad } from '../processes.ts'

export interface H2loadOptions {
  readonly url: string
  readonly connections: number
  /** Requests under way at a time on each connection. */
  readonly streams: number
  readonly seconds: number
}

export interface H2loadReport {
  readonly requests: number
  readonly errors: number
}

export async function h2load ({ url, connections, streams, seconds }: H2loadOptions): Promise<H2loadReport> {
  const output = await runLoad('h2load', [`-c${connections}`, `-m${streams}`, '-t1', '-D', `${Math.round(seconds * 1_000)}ms`, '--npn-list=h2', url], { limitMs: seconds * 1_000 + GRACE_MS })
  return readH2load(output)
}

/** Reads what h2load prints at its end; throws if it is not that, or if HTTP/2 was not spoken. */
export function readH2load (output: string): H2loadReport {
  const requests = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(output)
  const status = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output)
  if (requests === null || status === null) throw new Error(`h2load told nothing: ${output}`)
  if (!output.includes('Application protocol: h2')) throw new Error('HTTP/2 was not agreed on')
  return { requests: Number(status[1]), errors: Number(requests[2]) + Number(status[3]) + Number(status[4]) }
}
