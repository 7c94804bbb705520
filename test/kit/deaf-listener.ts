/**
 * A port where connections can neither be opened nor are refused: its queue is full and nobody accepts. The listener lives in
 * a thread that blocks for good, because a thread that runs would accept.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** With a backlog of 1 the kernel queues two connections and takes no further one. */
const BACKLOG = 1

const LISTEN_AND_BLOCK = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer()
server.listen({ host: '127.0.0.1', port: 0, backlog: ${BACKLOG} }, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

export class DeafListener {
  readonly url: string
  readonly #worker: Worker
  readonly #queued: readonly Socket[]

  private constructor (port: number, worker: Worker, queued: readonly Socket[]) {
    this.url = `http://127.0.0.1:${port}`
    this.#worker = worker
    this.#queued = queued
  }

  static async start (): Promise<DeafListener> {
    const worker = new Worker(LISTEN_AND_BLOCK, { eval: true })
    const port = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    const queued: Socket[] = []
    for (let i = 0; i <= BACKLOG; i++) {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => {})
      await once(socket, 'connect')
      queued.push(socket)
    }
    return new DeafListener(port, worker, queued)
  }

  async stop (): Promise<void> {
    for (const socket of this.#queued) socket.destroy()
    await this.#worker.terminate()
  }
}
