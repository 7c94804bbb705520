/** Lines of several threads on one output: whole, and all of them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { SharedLines } from '../../src/observe/shared-lines.ts'
import { parseObject } from '../helper.ts'

const THREADS = 3
const LINES = 3_000
const SCRIPT = join(import.meta.dirname, 'writing-threads.ts')

/** What the threads write, read slowly. */
async function output (command: string): Promise<string> {
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += String(chunk)
    await wait(1)
  }
  await closed
  return text
}

for (const [what, command] of [['a pipe', `'${process.execPath}' ${SCRIPT} | cat`], ['a socket', `exec '${process.execPath}' ${SCRIPT}`]] as const) {
  t.test(`${what} that is read slowly: every line is whole, and comes once, in the order of its thread`, async (t) => {
    const text = await output(command)
    const next = Array.from({ length: THREADS }, () => 0)
    for (const line of text.slice(0, -1).split('\n')) {
      const { row, i } = parseObject(line)
      if (next[Number(row)] !== i) t.fail(`line ${String(i)} of thread ${String(row)} in the place of ${String(next[Number(row)])}`)
      next[Number(row)] = Number(i) + 1
    }
    t.strictSame(next, Array.from({ length: THREADS }, () => LINES))
  })
}

t.test('what a thread has not written when it must end is written then', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync(file, 'a')
  const lines = new SharedLines({ fd, rows: 1, row: 0 })
  lines.write('first\n')
  for (let i = 0; i < 2_000; i++) lines.write(`line ${i}\n`)
  lines.writeLastWords(() => performance.now())
  await lines.drained()
  closeSync(fd)
  const written = readFileSync(file, 'utf8').split('\n')
  t.equal(written.length, 2_002)
  t.ok(written.includes('first'))
  t.ok(written.includes('line 1999'))
})

t.test('what a thread keeps for its turn when it must end is written too, in its order, and others keep out of its long lines', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync(file, 'a')
  const lines = new SharedLines({ fd, rows: 3, row: 1 })
  const words = new Int32Array(lines.memory)
  // Row 2 writes: a long line has to wait.
  words.set([0, 0, 0, 1])
  const long = 'long'.repeat(2_000)
  lines.write(`${long}\n`)
  lines.write('short\n')
  t.strictSame([...words], [2, 0, 0, 1], 'it waits')
  let looks = 0
  lines.writeLastWords(() => {
    // Row 2 has finished after a while.
    if (++looks === 3) words[3] = 0
    return 0
  })
  closeSync(fd)
  t.ok(looks >= 3)
  t.equal(readFileSync(file, 'utf8'), `${long}\nshort\n`)
  t.strictSame([...words], [0, 0, 0, 0], 'nobody is kept away any more')
})

t.test('no line is ended for a thread that had not begun one', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync(file, 'a')
  const lines = new SharedLines({ fd, rows: 2, row: 0 })
  const words = new Int32Array(lines.memory)
  words.set([2, 0, 0])
  lines.releaseRow(1)
  t.strictSame([...words], [0, 0, 0])
  await lines.drained()
  closeSync(fd)
  t.equal(readFileSync(file, 'utf8'), '')
})

t.test('a thread that ended within a long line does not keep the others away for ever', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync(file, 'a')
  const lines = new SharedLines({ fd, rows: 3, row: 0 })
  new Int32Array(lines.memory).set([3, 0, 1, 1])
  lines.write('short\n')
  const drained = lines.drained()
  lines.releaseRow(1)
  lines.releaseRow(2)
  await drained
  lines.write(`${'long'.repeat(2_000)}\n`)
  await lines.drained()
  closeSync(fd)
  t.match(readFileSync(file, 'utf8'), /^short\n\n(long){2000}\n$/)
})

/** A pipe that keeps what is written to it; nobody reads. */
function deafPipe (folder: string): number {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

t.test('when nobody reads any more what is written is dropped', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync(file, 'a')
  closeSync(fd)
  const lines = new SharedLines({ fd, rows: 1, row: 0 })
  lines.write('lost\n')
  await lines.drained()
  // Another file with that number: nothing is written there any more.
  const other = openSync(file, 'a')
  t.equal(other, fd)
  lines.write('lost too\n')
  await lines.drained()
  lines.writeLastWords(() => performance.now())
  closeSync(other)
  t.equal(readFileSync(file, 'utf8'), '')
})

t.test('an error that passes, such as a full disk, costs the lines of that time and no others', async (t) => {
  const file = join(t.testdir(), 'log')
  const fd = openSync('/dev/full', 'w')
  const lines = new SharedLines({ fd, rows: 1, row: 0 })
  lines.write('lost\n')
  await lines.drained()
  closeSync(fd)
  const other = openSync(file, 'a')
  t.equal(other, fd)
  lines.write('kept\n')
  await lines.drained()
  closeSync(other)
  t.equal(readFileSync(file, 'utf8'), 'kept\n')
})

t.test('whoever reads and has stopped is not waited for', async (t) => {
  const fd = deafPipe(t.testdir())
  const lines = new SharedLines({ fd, rows: 1, row: 0 })
  for (let i = 0; i < 200; i++) lines.write(`${'x'.repeat(1_023)}\n`)
  await lines.drained(20)
  closeSync(fd)
  t.pass('more than the pipe holds')
})
