/** The process's logger: JSON lines, or readable ones when a person looks on outside production. */
import { type DestinationStream, pino, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { SharedLines } from './shared-lines.ts'

export interface LoggerOptions {
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
  /** NODE_ENV. */
  readonly mode: string | undefined
  /** Standard output, line by line. */
  readonly lines: SharedLines
  /** The number of the worker that logs; it stands in each of its lines. Default: none. */
  readonly worker?: number
}

/** Writes to standard output. The level is `info` until the configuration is known. */
export function createLogger ({ isTerminal, mode, lines, worker }: LoggerOptions): Logger {
  const isReadable = isTerminal && mode !== 'production'
  const logger = pino({ level: 'info' }, isReadable ? readable(lines.isShared) : lines)
  return worker === undefined ? logger : logger.child({ worker })
}

/** A terminal takes a line in one piece. A thread may end without having been told: nothing of it may be left by then. */
function readable (isSync: boolean): DestinationStream {
  return pretty({
    singleLine: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname,reqId', messageFormat: '{if reqId}[{reqId}] {end}{msg}', sync: isSync
  })
}
