/** Processes on a processor of their own, with the kernel's accounts of them. None outlives the run, however it ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** Gateways on the first, load and backends on the second. */
export const GATEWAY_CPU = 0
export const LOAD_CPU = 1

export interface StartOptions {
  readonly cpu: number
  readonly cwd: string
  /** What the process has besides PATH, HOME and LANG. */
  readonly env?: Readonly<Record<string, string>>
  /** Its standard error goes there, and is told if it ends early. */
  readonly logFile: string
}

/** As many open files as the system allows; then on the processor, in the same process. */
const LAUNCH = 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$@"'

/** All that was started and has not been stopped. */
const running = new Set<Process>()

export class Process {
  readonly #child: ChildProcess
  readonly #logFile: string

  constructor (child: ChildProcess, logFile: string) {
    this.#child = child
    this.#logFile = logFile
    running.add(this)
  }

  /** The process and all that came of it. */
  pids (): number[] {
    const { pid } = this.#child
    return pid === undefined || this.hasEnded ? [] : familyOf(pid)
  }

  get hasEnded (): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** The end of what it wrote to standard error. */
  lastWords (): string {
    return readOr(this.#logFile, '').trim().slice(-1_000)
  }

  /** Processor time so far, in ns. */
  cpuNanos (): number {
    let sum = 0
    for (const pid of this.pids()) {
      for (const task of namesIn(`/proc/${pid}/task`)) sum += taskNanos(pid, task)
    }
    return sum
  }

  /** Puts the busiest threads so far, `count` of each process, onto a processor each, by turns. The others stay where they are. */
  spread (count: number): void {
    const cpus = [GATEWAY_CPU, LOAD_CPU]
    for (const [index, task] of this.pids().flatMap((pid) => busiestTasks(pid, count)).entries()) {
      execFileSync('taskset', ['-cp', String(cpus[index % cpus.length]), task], { stdio: 'ignore' })
    }
  }

  /** Resident memory, in bytes. */
  residentBytes (): number {
    let sum = 0
    for (const pid of this.pids()) sum += Number(/VmRSS:\s*(\d+) kB/.exec(readOr(`/proc/${pid}/status`, ''))?.[1] ?? 0)
    return sum * 1_024
  }

  /** Ends it and all that came of it; resolves when it is gone. */
  async stop (): Promise<void> {
    if (this.hasEnded) return
    const gone = once(this.#child, 'exit')
    this.kill()
    await gone
  }

  /** The same without waiting. */
  kill (): void {
    running.delete(this)
    // Parents come first, so that none starts a child anew.
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended in the meantime.
      }
    }
  }
}

/** Starts `command`; it inherits nothing of our environment but what every program needs. */
export function start (command: string, args: readonly string[], { cpu, cwd, env = {}, logFile }: StartOptions): Process {
  const log = openSync(logFile, 'w')
  const child = spawn('sh', ['-c', LAUNCH, 'sh', String(cpu), command, ...args], {
    stdio: ['ignore', 'ignore', log], cwd, env: { ...plainEnvironment(), ...env }
  })
  closeSync(log)
  return new Process(child, logFile)
}

/** What a program of the load may need beyond its time, in ms. */
export const GRACE_MS = 20_000

export interface LoadTimes {
  /** When it gets SIGINT, in ms; default: never. */
  readonly interruptMs?: number
  /** When it is ended if it has not ended by itself, in ms. */
  readonly limitMs: number
}

/** Runs a program of the load to its end, on the load's processor. Gives its standard output. */
export async function runLoad (command: string, args: readonly string[], { interruptMs, limitMs }: LoadTimes): Promise<string> {
  const child = spawn('sh', ['-c', LAUNCH, 'sh', String(LOAD_CPU), command, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() })
  const tracked = new Process(child, '/dev/null')
  const timer = interruptMs === undefined ? undefined : setTimeout(() => child.kill('SIGINT'), interruptMs)
  const limit = setTimeout(() => tracked.kill(), limitMs)
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  clearTimeout(timer)
  clearTimeout(limit)
  tracked.kill()
  if (child.signalCode === 'SIGKILL') throw new Error(`${command} had not ended after ${limitMs / 1_000} s`)
  if (child.signalCode === 'SIGINT') throw new Error(`${command} was interrupted before it had begun: take longer slices`)
  if (child.exitCode !== 0) throw new Error(`${command} ${args[0] ?? ''} failed: ${errors.trim() || output.trim()}`)
  return output
}

/** A load that goes on until `end` is called. */
export interface HeldLoad {
  /** Its first line. */
  readonly line: string
  end (): Promise<void>
}

/** Starts a program of the load that says one line when it is ready, and ends with its standard input. */
export async function holdLoad (command: string, args: readonly string[]): Promise<HeldLoad> {
  const child = spawn('sh', ['-c', LAUNCH, 'sh', String(LOAD_CPU), command, ...args], { stdio: ['pipe', 'pipe', 'ignore'], env: plainEnvironment() })
  const tracked = new Process(child, '/dev/null')
  child.stdout.setEncoding('utf8')
  const line = await Promise.race([
    once(child.stdout, 'data').then(([data]) => String(data)),
    once(child, 'exit').then(() => { throw new Error(`${command} ${args[0] ?? ''} ended early`) })
  ])
  return {
    line,
    end: async () => {
      const gone = once(child, 'exit')
      child.stdin.end()
      await gone
      tracked.kill()
    }
  }
}

/** Puts this process itself onto the load's processor. */
export function stepAside (): void {
  execFileSync('taskset', ['-cp', String(LOAD_CPU), String(process.pid)], { stdio: 'ignore' })
}

/** Makes sure that nothing outlives this process. */
export function takeCharge (cleanUp: () => void): void {
  process.once('exit', () => {
    for (const one of running) one.kill()
    cleanUp()
  })
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) process.once(signal, () => process.exit(code))
}

function plainEnvironment (): Record<string, string> {
  const { PATH = '', HOME = '/' } = process.env
  return { PATH: `${PATH}:/usr/sbin:/sbin`, HOME, LANG: 'C.UTF-8' }
}

function familyOf (pid: number): number[] {
  const children = namesIn(`/proc/${pid}/task`)
    .flatMap((task) => readOr(`/proc/${pid}/task/${task}/children`, '').trim().split(' '))
    .filter((child) => child !== '')
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))]
}

function busiestTasks (pid: number, count: number): string[] {
  const nanosOf = new Map(namesIn(`/proc/${pid}/task`).map((task) => [task, taskNanos(pid, task)]))
  return [...nanosOf].toSorted(([, a], [, b]) => b - a).slice(0, count).map(([task]) => task)
}

/** Processor time of a thread so far, in ns. */
function taskNanos (pid: number, task: string): number {
  return Number(readOr(`/proc/${pid}/task/${task}/schedstat`, '0').split(' ')[0])
}

function namesIn (folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readOr (file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}
