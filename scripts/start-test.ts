/**
 * `npm run test:start`: starts the gateway as a user does, with `npm start`, before three nginx backends, and ends it with
 * SIGTERM. One line "ok" or "not ok" a check; exits with 1 if one failed. Needs nginx.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

const BACKENDS = ['one', 'two', 'three']
const START_BOUND_MS = 30_000
const END_BOUND_MS = 15_000

const folder = mkdtempSync(join(tmpdir(), 'fastlancer-start-'))
const ports = await Promise.all(BACKENDS.map(freePort))
const nginx = startNginx().on('error', (error) => console.log(`  # ${error.message}`))
const gateway = startGateway()
const ended = once(gateway, 'close')

try {
  const { address, admin } = await addresses(gateway)
  report(true, 'npm start opens the gateway and its admin side')
  await check('/-/ready answers 200', async () => expect((await fetch(`${admin}/-/ready`)).status, 200))
  await check('the backends answer in turn', async () => {
    const served: string[] = []
    for (let i = 0; i < 2 * BACKENDS.length; i++) served.push((await (await fetch(address)).text()).trim())
    // Whichever is the first: turns begin anywhere.
    const first = BACKENDS.indexOf(served[0] ?? '')
    for (const [i, name] of served.entries()) expect(name, BACKENDS[(first + i) % BACKENDS.length])
  })
  await check('SIGTERM ends it with exit code 0', async () => {
    gateway.kill('SIGTERM')
    await Promise.race([ended, failAfter(END_BOUND_MS, 'The gateway is still there')])
    expect(gateway.exitCode, 0)
  })
} catch (error) {
  report(false, 'npm start opens the gateway and its admin side', error)
} finally {
  gateway.kill('SIGKILL')
  nginx.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

async function check (sentence: string, isSo: () => Promise<unknown>): Promise<void> {
  try {
    await isSo()
    report(true, sentence)
  } catch (error) {
    report(false, sentence, error)
  }
}

function report (isSo: boolean, sentence: string, error?: unknown): void {
  console.log(`${isSo ? 'ok' : 'not ok'} - ${sentence}`)
  if (isSo) return
  console.log(`  # ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

function expect (seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${String(wanted)} expected, ${String(seen)} seen`)
}

/** Where the gateway says in its log that it listens, once the first probes have found all backends. */
async function addresses (child: ChildProcess): Promise<{ address: string, admin: string }> {
  if (child.stdout === null) throw new Error('The log cannot be read')
  const found = new Map<string, string>()
  const lines = createInterface(child.stdout)
  let up = 0
  const read = async (): Promise<void> => {
    for await (const line of lines) {
      const { msg, address } = logRecord(line)
      if (address !== undefined) found.set(msg, address)
      if (msg === 'backend is up' && ++up === BACKENDS.length) return
    }
  }
  await Promise.race([read(), failAfter(START_BOUND_MS, 'The gateway has not found its backends')])
  const [address, admin] = [found.get('started'), found.get('admin side listening')]
  if (address === undefined || admin === undefined) throw new Error('The gateway ended, or did not say where it listens')
  return { address, admin }
}

/** The parts of a log line that are read here; npm's own lines have none. */
function logRecord (line: string): { msg: string, address?: string } {
  const record: unknown = line.startsWith('{') ? JSON.parse(line) : {}
  if (typeof record !== 'object' || record === null || !('msg' in record)) return { msg: '' }
  return { msg: String(record.msg), ...('address' in record && { address: String(record.address) }) }
}

function startGateway (): ChildProcess {
  const env = { ...process.env, BACKENDS: ports.map((port) => `http://127.0.0.1:${port}`).join(','), PORT: '0', ADMIN_PORT: '0' }
  return spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Backends that answer their names. */
function startNginx (): ChildProcess {
  const servers = ports.map((port, i) => `server { listen 127.0.0.1:${port}; location / { return 200 "${BACKENDS[i]}\\n"; } }`)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
  ${servers.join('\n  ')}
}
`)
  return spawn('nginx', ['-e', join(folder, 'error.log'), '-c', file], { stdio: 'inherit' })
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port')
  return address.port
}

async function failAfter (boundMs: number, message: string): Promise<never> {
  await wait(boundMs, undefined, { ref: false })
  throw new Error(message)
}
