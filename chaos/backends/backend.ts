/** A backend that can be killed, stopped and started again. */
import { untilAnswers } from '../../bench/ready.ts'
import type { Process } from '../../bench/processes.ts'

export class Backend {
  readonly name: string
  /** `host:port`. */
  readonly address: string
  readonly #launch: () => Process
  #process: Process | undefined

  constructor (name: string, address: string, launch: () => Process) {
    this.name = name
    this.address = address
    this.#launch = launch
  }

  /** Resolves when it answers. */
  async start (): Promise<void> {
    this.#process = this.#launch()
    await untilAnswers(`http://${this.address}`, this.#process)
  }

  /** Sends a signal to all of its processes. Throws if there is none: a play whose backend has ended by itself shows nothing. */
  signal (name: NodeJS.Signals): void {
    const pids = this.#process?.pids() ?? []
    if (pids.length === 0) throw new Error(`${this.name} has ended before ${name}`)
    for (const pid of pids) process.kill(pid, name)
  }

  /** With SIGKILL; resolves when it is gone. It may be started again. */
  async kill (): Promise<void> {
    await this.#process?.stop()
  }
}
