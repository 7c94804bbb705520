import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { holdLoad, runLoad } from '../../bench/processes.ts'
import { SKIP, startScript } from './site-for-tests.ts'

const BURN = 'for (;;) {}'
const BURN_TWICE = `new (require('worker_threads').Worker)('${BURN}', { eval: true }); ${BURN}`

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The busiest one first. */
function threadsOf (pid = 0): Array<{ readonly nanos: number, readonly cpus: string | undefined }> {
  const folder = `/proc/${pid}/task`
  const threads = readdirSync(folder).map((task) => ({
    nanos: Number(readFileSync(`${folder}/${task}/schedstat`, 'utf8').split(' ')[0]),
    cpus: /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`${folder}/${task}/status`, 'utf8'))?.[1]
  }))
  return threads.toSorted((a, b) => b.nanos - a.nanos)
}

t.test('processor time and memory of a process are the kernel\'s', { skip: SKIP }, async (t) => {
  const script = startScript(BURN)
  await until(() => script.cpuNanos() > 50_000_000)
  t.ok(script.residentBytes() > 1_000_000)
  await script.stop()
})

t.test('the busiest threads of a process can be put onto a processor each', { skip: SKIP }, async (t) => {
  const script = startScript(BURN_TWICE)
  t.teardown(async () => await script.stop())
  await until(() => (threadsOf(script.pids()[0])[1]?.nanos ?? 0) > 300_000_000)
  script.spread(2)
  const [first, second, ...others] = threadsOf(script.pids()[0])
  t.strictSame(new Set([first?.cpus, second?.cpus]), new Set(['0', '1']))
  t.ok(others.length > 0 && others.every(({ cpus }) => cpus === '0'))
})

t.test('what came of a process belongs to it, and ends with it', { skip: SKIP }, async (t) => {
  const script = startScript(`require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); setInterval(() => {}, 1000)`)
  await until(() => script.pids().length === 2)
  const pids = script.pids()
  await script.stop()
  await until(() => !pids.some(isAlive))
  t.strictSame(script.pids(), [])
  t.ok(script.hasEnded)
})

t.test('the last words of a process that ended are kept', { skip: SKIP }, async (t) => {
  const script = startScript(`console.error('no port'); process.exit(1)`)
  await until(() => script.hasEnded)
  t.equal(script.lastWords(), 'no port')
  await script.stop()
})

t.test('a load gives what it printed', { skip: SKIP }, async (t) => {
  t.equal(await runLoad(process.execPath, ['-e', 'console.log(1 + 1)'], { limitMs: 60_000 }), '2\n')
})

t.test('a load can be interrupted, and answer with its report', { skip: SKIP }, async (t) => {
  const script = `process.on('SIGINT', () => { console.log('report'); process.exit() }); setInterval(() => {}, 1000)`
  t.equal(await runLoad(process.execPath, ['-e', script], { interruptMs: 3_000, limitMs: 60_000 }), 'report\n')
})

t.test('a load that fails, ends too late, or is interrupted too early is an error', { skip: SKIP }, async (t) => {
  await t.rejects(runLoad(process.execPath, ['-e', `console.error('refused'); process.exit(1)`], { limitMs: 60_000 }), { message: /refused/ })
  await t.rejects(runLoad(process.execPath, ['-e', BURN], { limitMs: 100 }), { message: /had not ended/ })
  await t.rejects(runLoad(process.execPath, ['-e', BURN], { interruptMs: 100, limitMs: 60_000 }), { message: /longer slices/ })
})

t.test('a load that holds ends with its input', { skip: SKIP }, async (t) => {
  const held = await holdLoad(process.execPath, ['-e', `console.log('{"open":3}'); process.stdin.resume()`])
  t.equal(held.line, '{"open":3}\n')
  await held.end()
})

t.test('a load that ends before it held is an error', { skip: SKIP }, async (t) => {
  await t.rejects(holdLoad(process.execPath, ['-e', '']), { message: /ended early/ })
})
