/** Writes lines of all lengths from several threads to standard output: each a thread's number, the line's, and its filling. */
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { SharedLines } from '../../src/observe/shared-lines.ts'

const THREADS = 3
const LINES = 3_000
/** Every so many lines a long one. */
const LONG_EVERY = 97

if (isMainThread) {
  // As the gateway does: it makes a pipe that is full an error, not a wait.
  process.stdout.on('error', () => {})
  const { memory } = new SharedLines({ fd: 1, rows: THREADS, row: 0 })
  for (let row = 0; row < THREADS; row++) void new Worker(new URL(import.meta.url), { workerData: { memory, row } })
} else {
  const lines = new SharedLines({ fd: 1, rows: THREADS, ...orderOf(workerData) })
  for (let i = 0; i < LINES; i++) {
    const { row } = orderOf(workerData)
    lines.write(`${JSON.stringify({ row, i, filling: 'ä'.repeat(i % LONG_EVERY === 0 ? 5_000 + i : i % 200) })}\n`)
    if (i % 20 === 0) await new Promise((resolve) => { setImmediate(resolve) })
  }
  await lines.drained()
}

function orderOf (data: unknown): { row: number, memory: SharedArrayBuffer } {
  if (typeof data === 'object' && data !== null && 'row' in data && 'memory' in data && data.memory instanceof SharedArrayBuffer) {
    return { row: Number(data.row), memory: data.memory }
  }
  throw new Error('there is nothing to do')
}
