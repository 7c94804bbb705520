/** A TypeScript file of the checkout, run as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until, within } from '../helper.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** Slow machines start a process slowly. */
const START_BOUND_MS = 45_000

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  /** The working directory; default: the top of the checkout. */
  readonly cwd?: string
  /** A file for its standard output; default: it is kept in `stdout`. */
  readonly outputFd?: number
}

export class Child {
  stdout = ''
  stderr = ''
  readonly process: ChildProcess
  /** The working directory. */
  readonly cwd: string
  readonly #ended: Promise<unknown[]>

  /** Runs `args`, of which the first is a file within the checkout. */
  constructor ([file = '', ...args]: readonly string[], { env = {}, cwd = ROOT, outputFd }: ChildOptions = {}) {
    this.cwd = cwd
    this.process = spawn(process.execPath, [join(ROOT, file), ...args], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', outputFd ?? 'pipe', 'pipe'] })
    this.process.stdout?.on('data', (chunk: Buffer) => { this.stdout += chunk.toString() })
    this.process.stderr?.on('data', (chunk: Buffer) => { this.stderr += chunk.toString() })
    this.#ended = once(this.process, 'close')
  }

  /** The first match in its standard output, waited for. */
  async says (pattern: RegExp): Promise<string> {
    const found = await until(`${String(pattern)} in the output`, () => pattern.exec(this.stdout) ?? this.process.exitCode, START_BOUND_MS)
    if (found === null || typeof found === 'number') throw new Error(`ended without saying ${String(pattern)}:\n${this.stdout}${this.stderr}`)
    return found[0]
  }

  /** Its exit code, once it has ended; null when a signal ended it. */
  async exitCode (): Promise<number | null> {
    await within('the end of the process', this.#ended, START_BOUND_MS)
    return this.process.exitCode
  }

  /** For teardown: does nothing if it has ended. */
  kill (): void {
    this.process.kill('SIGKILL')
  }
}
