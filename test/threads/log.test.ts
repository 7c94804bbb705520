/** The log of several workers: one stream of whole lines, and all of them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { call, type LogLine, parseLine, scenario, until } from '../helper.ts'
import { ROOT } from '../scripts/child.ts'

scenario('two workers under load, through a pipe that is read slowly: every line is whole, and none is lost', async (s, t) => {
  const origins = [await s.origin('a'), await s.origin('b')]
  const cwd = mkdtempSync(join(tmpdir(), 'fastlancer-test-'))
  const env = { ...process.env, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: 'off', WORKERS: '2', BACKENDS: origins.map(({ url }) => url).join() }
  // A child's standard output is a socket as Node makes it: what the gateway writes to is the shell's pipe.
  const shell = spawn('sh', ['-c', `echo $$; '${process.execPath}' '${join(ROOT, 'src/server.ts')}' | cat`], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  s.atEnd(() => {
    shell.kill('SIGKILL')
    rmSync(cwd, { recursive: true })
  })
  const { promise: loadIsOver, resolve: loadEnds } = Promise.withResolvers<void>()
  const closed = once(shell, 'close')
  let text = ''
  const read = (async () => {
    for await (const chunk of shell.stdout.setEncoding('utf8')) {
      text += String(chunk)
      // First nobody reads, and the lines pile up; then they are taken piece by piece.
      if (text.includes('"started"')) await loadIsOver
      await wait(5)
    }
  })()
  const started = await until('it has started', () => /"pid":(\d+),.*"address":"([^"]+)".*"started"/.exec(text), 20_000)
  const [, pid, url = ''] = started ?? []
  const long = 'x'.repeat(6_000)
  const agents = Array.from({ length: 16 }, () => s.agent())
  const perAgent = 60
  await Promise.all(agents.map(async (agent, number) => {
    for (let i = 0; i < perAgent; i++) await call(`${url}/${number}-${i}?${i % 10 === 0 ? long : 'short'}`, { agent })
  }))
  loadEnds()
  process.kill(Number(pid), 'SIGTERM')
  await closed
  await read
  const lines = text.slice(0, -1).split('\n').slice(1).map(parseLine)
  const seen = lines.filter(({ msg }) => msg === 'request').map(nameOf)
  t.equal(seen.length, agents.length * perAgent)
  t.equal(new Set(seen).size, seen.length)
  t.strictSame(new Set(lines.filter(({ msg }) => msg === 'request').map(({ worker }) => worker)), new Set([1, 2]))
  t.match(lines.at(-1), { msg: 'stopped', clean: true })
})

function nameOf ({ url }: LogLine): string {
  return /^\/(\d+-\d+)\?/.exec(String(url))?.[1] ?? ''
}
