/** The process's logger: JSON lines, or readable ones when a person looks on outside production. */
import { type DestinationStream, pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

export interface LoggerOptions {
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
  /** NODE_ENV. */
  readonly mode: string | undefined
}

/** Writes to standard output. The level is `info` until the configuration is known. */
export function createLogger ({ isTerminal, mode }: LoggerOptions): Logger {
  return pino({ level: 'info' }, isTerminal && mode !== 'production' ? readable() : lines())
}

function readable (): DestinationStream {
  return pretty({ singleLine: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname,reqId', messageFormat: '{if reqId}[{reqId}] {end}{msg}' })
}

/** Not waiting for the pipe at each line: what has piled up goes out in one write; the rest is flushed at exit. */
function lines (): DestinationStream {
  return pino.destination({ dest: 1, sync: false })
}
