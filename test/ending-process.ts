/** A process that ends as src/signals.ts has it, in the way that its argument names. Its log is its standard output. */
import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { type EndCause, endOrderly, SAME_SIGNAL_MS } from '../src/signals.ts'

/** What begins the end, and what happens until it is finished. */
interface Ending {
  readonly begin: () => void
  readonly finish: () => Promise<void>
}

/** Node ends by itself when nothing holds it, and then with another exit code. */
const HELD_MS = 10_000

const ENDINGS: Readonly<Record<string, Ending>> = {
  'a rejection with nothing': { begin: rejectWithNothing, finish: async () => {} },
  'a finish that fails': { begin: () => send('SIGTERM'), finish: async () => { throw new Error('cannot finish') } },
  'a signal, then an error': { begin: () => send('SIGTERM'), finish: async () => { setImmediate(throwError); await wait(HELD_MS) } },
  'an error, then a signal': { begin: () => setImmediate(throwError), finish: async () => { send('SIGTERM'); await wait(HELD_MS) } },
  'a second signal, seen late': {
    begin: () => send('SIGTERM'),
    finish: async () => { send('SIGINT'); block(1.1 * SAME_SIGNAL_MS); await wait(100) }
  },
  'a second signal, sent late': {
    begin: () => send('SIGTERM'),
    finish: async () => { await wait(2 * SAME_SIGNAL_MS); send('SIGINT'); await wait(HELD_MS) }
  }
}

const held = setTimeout(() => {}, HELD_MS)
const ending = ENDINGS[process.argv[2] ?? '']
if (ending === undefined) throw new Error('no such ending')
endOrderly({ logger: { error: say }, finish })
ending.begin()

async function finish (cause: EndCause): Promise<void> {
  say('error' in cause ? `error: ${String(cause.error)}` : cause.signal)
  await ending?.finish()
  clearTimeout(held)
  say('finished')
}

function say (text: unknown): void {
  writeSync(1, `${String(text)}\n`)
}

function send (signal: NodeJS.Signals): void {
  process.kill(process.pid, signal)
}

function throwError (): never {
  throw new Error('unexpected')
}

function rejectWithNothing (): void {
  const { reject } = Promise.withResolvers<void>()
  reject()
}

/** Keeps the thread busy. */
function block (ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
