/** The demo's log: a line an event, backends by their names. */
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

/** `nameOf` turns a backend's URL into what the reader knows it by. */
export function demoLog (nameOf: (url: string) => string): Logger {
  return pino(pretty({
    translateTime: 'HH:MM:ss.l',
    hideObject: true,
    sync: true,
    ignore: 'pid,hostname',
    messageFormat: (log, messageKey) => {
      const name = typeof log['backend'] === 'string' ? nameOf(log['backend']) : undefined
      return log['url'] === undefined ? eventLine(String(log[messageKey]), name, log) : accessLine(name, log)
    }
  }))
}

/** `backend is down: two (connect ECONNREFUSED ...)`. */
function eventLine (message: string, name: string | undefined, log: Readonly<Record<string, unknown>>): string {
  const why = log['reason'] ?? log['cause']
  return `${message}${name === undefined ? '' : `: ${name}`}${typeof why === 'string' ? ` (${why})` : ''}`
}

/** `GET / -> 200 from two in 1.2 ms, attempts: 1`. */
function accessLine (name: string | undefined, { method, url, status, ms, attempts }: Readonly<Record<string, unknown>>): string {
  const work = name === undefined ? '' : `, from ${name}, attempts: ${String(attempts)}`
  return `${String(method)} ${String(url)} -> ${String(status)} in ${Number(ms).toFixed(1)} ms${work}`
}
