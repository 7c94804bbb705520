/** What ends the process: signals that come twice, as they do under npm, a second one that is meant, and errors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { after, answer, call, parseLine, RawClient, type Scenario, scenario, type ScriptedOrigin, until, within } from './helper.ts'
import { Child, ROOT } from './scripts/child.ts'
import { running } from './threads/running.ts'

/** Slow machines start npm, and a gateway, slowly. */
const START_BOUND_MS = 20_000

/** How an argument of ending-process.ts ends: exit code, and what it says. */
const ENDINGS: ReadonlyArray<readonly [name: string, code: number, said: string[]]> = [
  ['a rejection with nothing', 1, ['error: undefined', 'finished']],
  ['a finish that fails', 1, ['SIGTERM', 'Error: cannot finish']],
  ['a signal, then an error', 1, ['SIGTERM', 'second error, exiting', 'Error: unexpected']],
  ['an error, then a signal', 1, ['error: Error: unexpected', 'second SIGTERM, exiting']],
  ['a second signal, seen late', 0, ['SIGTERM', 'finished']],
  ['a second signal, sent late', 1, ['SIGTERM', 'second SIGINT, exiting']]
]

/** Signals, each with the time that passes after it, in ms. */
type Volley = ReadonlyArray<readonly [signal: NodeJS.Signals, thenMs: number]>

const VOLLEYS: Readonly<Record<string, Volley>> = {
  'two signals 1 ms apart': [['SIGTERM', 1], ['SIGTERM', 0]],
  'three signals 15 ms apart': [['SIGTERM', 15], ['SIGTERM', 15], ['SIGTERM', 0]],
  'SIGINT, and SIGTERM behind it': [['SIGINT', 5], ['SIGTERM', 0]]
}

for (const [name, code, said] of ENDINGS) {
  t.test(`${name}: exit code ${code}`, async (t) => {
    const child = new Child(['test/ending-process.ts', name])
    t.teardown(() => child.kill())
    t.equal(await child.exitCode(), code)
    t.strictSame(child.stdout.trimEnd().split('\n'), said)
    t.equal(child.stderr, '')
  })
}

for (const workers of ['1', '2']) {
  for (const [name, volley] of Object.entries(VOLLEYS)) {
    scenario(`${workers} worker(s), ${name}: they are one, and the request in flight finishes`, async (s, t) => {
      const { origin, letAnswer } = await waitingOrigin(s)
      const gateway = await running(s, [origin], { WORKERS: workers }, {})
      const sent = call(gateway.url)
      await until('the request is in flight', () => origin.requests.length === 1)
      for (const [signal, thenMs] of volley) {
        gateway.child.process.kill(signal)
        await wait(thenMs)
      }
      await until('new connections are refused', () => refuses(gateway.port))
      letAnswer()
      t.match(await sent, { status: 200, text: 'finished' })
      t.equal(await gateway.child.exitCode(), 0)
      t.strictSame(ends(gateway.child.stdout), [`stopping ${volley[0]?.[0]}`, 'stopped true'])
    })
  }
}

scenario('npm start, and one signal to its whole process group: the request in flight finishes', async (s, t) => {
  const { origin, letAnswer } = await waitingOrigin(s)
  // Not in the checkout, which may have a .env.
  const folder = t.testdir({})
  for (const name of ['package.json', 'src', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  const env = { ...process.env, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: 'off', WORKERS: '2', BACKENDS: origin.url }
  const npm = spawn('npm', ['--silent', 'start'], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(npm, 'close')
  s.atEnd(() => killGroup(npm.pid, 'SIGKILL'))
  let log = ''
  npm.stdout.on('data', (chunk: Buffer) => { log += chunk.toString() })
  const line = await until('it has started', () => /^.*"msg":"started".*\n/m.exec(log)?.[0], START_BOUND_MS)
  const url = String(parseLine(line ?? '')['address'])
  const sent = call(url)
  await until('the request is in flight', () => origin.requests.length === 1)
  killGroup(npm.pid, 'SIGTERM')
  await until('new connections are refused', () => refuses(Number(new URL(url).port)))
  letAnswer()
  t.match(await sent, { status: 200, text: 'finished' })
  t.strictSame(await within('its end', ended, START_BOUND_MS), [0, null])
  t.strictSame(ends(log), ['stopping SIGTERM', 'stopped true'])
})

/** A backend that answers when it is told to. */
async function waitingOrigin (s: Scenario): Promise<{ readonly origin: ScriptedOrigin, readonly letAnswer: () => void }> {
  const { promise, resolve: letAnswer } = Promise.withResolvers<void>()
  return { origin: await s.scripted('a', after(promise, answer({ body: 'finished' }))), letAnswer }
}

/** Whether new connections are refused. */
async function refuses (port: number): Promise<boolean> {
  const client = await RawClient.connect(port).catch(() => undefined)
  await client?.leave()
  return client === undefined
}

/** What the log says of the end: `stopping` and the signal, `stopped` and whether that was clean, and all errors. */
function ends (log: string): string[] {
  const lines = log.split('\n').filter((text) => text !== '').map(parseLine)
  return lines.filter(({ msg, level }) => level >= 50 || msg === 'stopping' || msg === 'stopped')
    .map(({ msg, signal, clean }) => `${msg} ${String(signal ?? clean)}`)
}

/** Does nothing if it has ended. */
function killGroup (pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) throw new Error('it has not been started')
  try {
    process.kill(-pid, signal)
  } catch {}
}
