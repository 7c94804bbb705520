/** The gateway as a process of its own, watched: what it logs, whether it lives, what it has in flight. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { call } from '../../kit/call.ts'
import { parseLine } from '../../kit/logs.ts'
import { until } from '../../kit/until.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Slow machines start a process slowly. */
const START_BOUND_MS = 20_000

/** How long it may take until nothing is in flight any more, in ms. */
const QUIET_BOUND_MS = 5_000

/** Log levels of pino: what is an error is one of the gateway's own. */
const LEVEL_ERROR = 50

export class GatewayProcess {
  /** What it should not have said or done, a sentence each. */
  readonly faults: string[] = []
  port = 0
  #adminUrl = ''
  #isStopping = false
  readonly #process: ChildProcess

  private constructor (backendUrl: string) {
    this.#process = spawn(process.execPath, [join(ROOT, 'src/server.ts')], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        BACKENDS: backendUrl,
        HOST: '127.0.0.1',
        PORT: '0',
        ADMIN_PORT: '0',
        ACCESS_LOG: 'off',
        // A backend that falls silent must not hold up the others for long.
        UPSTREAM_HEADERS_TIMEOUT_MS: '2000',
        UPSTREAM_IDLE_TIMEOUT_MS: '2000',
        // Node says nothing of a body that is wrong if the request asks for an upgrade as well: it looks like one that stalls.
        CLIENT_BODY_TIMEOUT_MS: '1000'
      }
    })
    const { stdout, stderr } = this.#process
    if (stdout !== null) createInterface(stdout).on('line', (line) => this.#hear(line))
    if (stderr !== null) createInterface(stderr).on('line', (line) => this.faults.push(`on standard error: ${line}`))
    this.#process.on('exit', (code, signal) => { if (!this.#isStopping) this.faults.push(`the process ended with ${code ?? signal}`) })
  }

  static async start (backendUrl: string): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(backendUrl)
    await until('the gateway starts', () => gateway.port > 0 || gateway.faults.length > 0, START_BOUND_MS)
    if (gateway.port === 0) throw new Error(gateway.faults.join('\n'))
    return gateway
  }

  /** Waits until nothing is in flight; a fault if that does not come. */
  async quiet (): Promise<void> {
    const isQuiet = await until('nothing in flight', async () => /"inFlight":[1-9]/.test((await call(`${this.#adminUrl}/-/status`)).text) ? undefined : true, QUIET_BOUND_MS)
      .catch((error: unknown) => {
        this.faults.push(`in flight does not return to 0: ${String(error)}`)
        return true
      })
    if (!isQuiet) throw new Error('unreachable')
  }

  async stop (): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#isStopping = true
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  #hear (text: string): void {
    if (!text.startsWith('{')) {
      this.faults.push(`on standard output: ${text}`)
      return
    }
    const line = parseLine(text)
    if (line.level >= LEVEL_ERROR) this.faults.push(`in the log: ${text}`)
    if (line.msg === 'admin side listening') this.#adminUrl = String(line['address'])
    if (line.msg === 'started') this.port = Number(new URL(String(line['address'])).port)
  }
}
