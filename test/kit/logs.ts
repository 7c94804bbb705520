/** What the gateway logs, as objects. */
import { pino, type Logger } from 'pino'
import { parseObject } from './parse-object.ts'
import { until } from './until.ts'

export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly level: number
  readonly msg: string
}

export class Logs {
  readonly lines: LogLine[] = []
  /** The logger that feeds them. */
  readonly logger: Logger = pino({ level: 'info' }, { write: (line: string) => { this.lines.push(parseLine(line)) } })

  /** The lines with this message, so far. */
  of (message: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  /** The lines with this message, as soon as there are `count`. */
  async wait (message: string, count = 1): Promise<LogLine[]> {
    return await until(`${count} log lines "${message}"`, () => {
      const lines = this.of(message)
      return lines.length >= count ? lines : undefined
    }) ?? []
  }
}

/** A line of JSON as pino writes it. */
export function parseLine (line: string): LogLine {
  const parsed = parseObject(line)
  if (!isLogLine(parsed)) throw new Error(`not a line of the log: ${line}`)
  return parsed
}

function isLogLine (value: Readonly<Record<string, unknown>>): value is LogLine {
  return typeof value['level'] === 'number' && typeof value['msg'] === 'string'
}
