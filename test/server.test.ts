/** `npm start` as a process of its own: how it starts, what stops the start, how signals end it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SAME_SIGNAL_MS } from '../src/signals.ts'
import { after, answer, call, type LogLine, never, type Origin, parseLine, RawClient, type Scenario, scenario, until, upgradeToEcho, within } from './helper.ts'
import { Child } from './scripts/child.ts'

/** A gateway in a process, with what the test needs to know of it. */
interface Running {
  readonly child: Child
  readonly url: string
  readonly port: number
}

/** Starts it in an empty folder, so that no .env of somebody's is read. */
function start (s: Scenario, env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}): Child {
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-test-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const child = new Child(['src/server.ts'], { cwd: folder, env: { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: 'off', ...env } })
  s.atEnd(() => {
    child.kill()
    rmSync(folder, { recursive: true })
  })
  return child
}

/** Starts it before these backends and waits until it is ready. */
async function run (s: Scenario, backends: readonly Origin[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const child = start(s, { BACKENDS: backends.map(({ url }) => url).join(), ...env })
  await child.says(/"msg":"started"/)
  const url = String(line(child, 'started')?.['address'])
  return { child, url, port: Number(new URL(url).port) }
}

/** Whether new connections are refused. */
async function refuses (port: number): Promise<boolean> {
  try {
    await (await RawClient.connect(port)).leave()
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  }
}

function lines (child: Child): LogLine[] {
  return child.stdout.split('\n').filter((text) => text !== '').map(parseLine)
}

function line (child: Child, message: string): LogLine | undefined {
  return lines(child).find(({ msg }) => msg === message)
}

scenario('it starts, says what it does in lines of JSON, and proxies', async (s, t) => {
  const [a, b] = [await s.scripted('a'), await s.scripted('b')]
  const { child, url } = await run(s, [a, b], { ADMIN_PORT: '0' })
  const served = [(await call(url)).text, (await call(url)).text]
  t.strictSame(served.toSorted(), ['a', 'b'], 'in turn, whichever was the first')
  t.match(lines(child).slice(0, 3), [
    { msg: 'backend added', level: 30, backend: a.url },
    { msg: 'backend added', level: 30, backend: b.url },
    { msg: 'admin side listening', address: /^http:\/\/127\.0\.0\.1:\d+$/ }
  ])
  t.match(line(child, 'health checks started'), { path: '/health', intervalMs: 10_000, timeoutMs: 5_000 })
  t.match(line(child, 'started'), { level: 30, address: url, backends: 2 })
  const admin = String(line(child, 'admin side listening')?.['address'])
  t.match(JSON.parse((await call(`${admin}/-/status`)).text), { pools: [{ backends: [{ url: a.url, requests: 1 }, { url: b.url, requests: 1 }] }] })
  child.process.kill('SIGTERM')
  t.equal(await child.exitCode(), 0)
  t.equal(child.stderr, '')
})

scenario('variables of the process go before those of a .env file in the working directory', async (s, t) => {
  const origin = await s.scripted('a')
  const child = start(s, { LOG_LEVEL: 'info' }, { '.env': `BACKENDS=${origin.url}\nLOG_LEVEL=fatal\nHEALTH_PATH="/up"\n` })
  await child.says(/"msg":"started"/)
  t.match(line(child, 'health checks started'), { path: '/up' })
  child.process.kill('SIGINT')
  t.equal(await child.exitCode(), 0)
})

scenario('a .env that is a folder is a fault of the configuration: exit code 1, no stack', async (s, t) => {
  const child = start(s, { PORT: 'x' }, { '.env/file': '' })
  t.equal(await child.exitCode(), 1)
  t.match(child.stderr, /^fastlancer: Invalid configuration:\n {2}- \.env: cannot be read \(EISDIR\).*\n {2}- PORT: "x"/)
  t.notMatch(child.stderr + child.stdout, /^\s+at |\.ts:\d+|node_modules/m)
})

scenario('a .env that other tools share: their keys are warned of, and a byte order mark does no harm', async (s, t) => {
  const origin = await s.scripted('a')
  const child = start(s, {}, { '.env': `\ufeffBACKENDS=${origin.url}\nPOSTGRES_PASSWORD=secret\n` })
  await child.says(/"msg":"started"/)
  t.match(line(child, 'keys of .env that mean nothing to the gateway'), { level: 40, keys: ['POSTGRES_PASSWORD'] })
  t.match(line(child, 'backend added'), { backend: origin.url })
})

scenario('an invalid configuration: every fault is named at once, exit code 1, no stack, nothing started', async (s, t) => {
  const origin = await s.scripted('a')
  const child = start(s, {
    BACKENDS: `${origin.url},${origin.url},not-a-url,ftp://x,http://127.0.0.1:99999`, PORT: '-1', HEALTH_INTERVAL_MS: 'soon', ADMIN_PORT: '65536', BACKEND: 'x'
  })
  t.equal(await child.exitCode(), 1)
  for (const fault of [
    /PORT: "-1"/, /HEALTH_INTERVAL_MS: "soon"/, /ADMIN_PORT: "65536"/, /is listed twice/, /"not-a-url"/, /"ftp:\/\/x"/, /"http:\/\/127\.0\.0\.1:99999"/, /BACKEND: .*BACKENDS/
  ]) t.match(child.stderr, fault)
  t.notMatch(child.stderr + child.stdout, /^\s+at |\.ts:\d+|node_modules/m)
  t.match(lines(child), [{ level: 60, msg: /^Invalid configuration:/ }])
  t.equal(lines(child).length, 1)
  t.equal(origin.accepted, 0)
})

scenario('a port that is taken: exit code 1, and the key to change is named', async (s, t) => {
  const taken = await s.scripted('taken')
  const child = start(s, { BACKENDS: 'http://127.0.0.1:1', PORT: `${taken.port}`, ADMIN_PORT: '0' })
  const other = start(s, { BACKENDS: 'http://127.0.0.1:1', ADMIN_PORT: `${taken.port}` })
  t.same(await Promise.all([child.exitCode(), other.exitCode()]), [1, 1])
  t.match(child.stderr, new RegExp(`^fastlancer: Cannot listen on 127\\.0\\.0\\.1:${taken.port}: .*EADDRINUSE.*change HOST and PORT`))
  t.notMatch(child.stderr, /^\s+at /m)
  t.match(other.stderr, /EADDRINUSE.*change ADMIN_HOST and ADMIN_PORT/)
  t.equal(line(other, 'started'), undefined)
})

scenario('a plugin that fails stops the start: exit code 1, the plugin named, no stack', async (s, t) => {
  const folder = t.testdir({ 'broken.mjs': 'export default async () => { throw new Error("no database") }' })
  const child = start(s, { PLUGINS_DIR: folder })
  t.equal(await child.exitCode(), 1)
  t.match(child.stderr, /PLUGINS_DIR.*broken\.mjs.*no database/)
  t.notMatch(child.stderr, /^\s+at /m)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  scenario(`${signal}: requests in flight finish, new connections are refused, exit code 0`, async (s, t) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'finished' })))
    const { child, url, port } = await run(s, [origin])
    // One that is idle must not hold up the end.
    const idle = await s.client({ port })
    const waiting = call(url)
    await until('the request is in flight', () => origin.requests.length === 1)
    child.process.kill(signal)
    await until('new connections are refused', () => refuses(port))
    letAnswer()
    t.match(await waiting, { status: 200, text: 'finished' })
    t.equal(await child.exitCode(), 0)
    await idle.ended
    t.match(line(child, 'stopping'), { signal })
    t.match(line(child, 'stopped'), { clean: true })
  })
}

scenario('a request that waits for the first probes when the end comes is still served', async (s, t) => {
  const origin = await s.scripted('a')
  origin.onProbe = never
  const { child, url, port } = await run(s, [origin])
  const client = await s.client({ port })
  client.get('/')
  const sent = call(`${url}/another`)
  await until('both are there', () => origin.probes === 1)
  // The gateway reads them in order: once it has refused this one, it has read the other.
  const marker = await s.client({ port })
  marker.send('this is no HTTP\r\n\r\n')
  await marker.answer()
  child.process.kill('SIGTERM')
  t.equal((await client.answer()).body.toString(), 'a')
  t.equal((await sent).text, 'a')
  await client.leave()
  t.equal(await child.exitCode(), 0)
})

scenario('after SHUTDOWN_TIMEOUT_MS what is still in flight is cut, tunnels too', async (s, t) => {
  const origin = await s.scripted('slow', never, upgradeToEcho())
  const { child, port } = await run(s, [origin], { SHUTDOWN_TIMEOUT_MS: '150' })
  const [waiting, tunnel] = [await s.client({ port }), await s.client({ port })]
  waiting.get('/')
  await until('the request is in flight', () => origin.requests.length === 1)
  tunnel.get('/', ['connection: upgrade', 'upgrade: echo'])
  await tunnel.head()
  child.process.kill('SIGTERM')
  await within('both are cut', Promise.all([waiting.ended, tunnel.ended]))
  t.equal(waiting.reader.received.length, 0)
  t.equal(await child.exitCode(), 0)
  t.match(lines(child).filter(({ level }) => level === 40), [{ timeoutMs: 150, inFlight: 2, tunnels: 1 }])
  t.match(line(child, 'stopped'), { clean: false })
})

scenario('a second signal, not right behind the first, ends it at once', async (s, t) => {
  const origin = await s.scripted('slow', never)
  const { child, port } = await run(s, [origin], { SHUTDOWN_TIMEOUT_MS: '600000' })
  const client = await s.client({ port })
  client.get('/')
  await until('the request is in flight', () => origin.requests.length === 1)
  child.process.kill('SIGTERM')
  await child.says(/"msg":"stopping"/)
  await wait(2 * SAME_SIGNAL_MS)
  child.process.kill('SIGTERM')
  t.equal(await child.exitCode(), 1)
  await client.ended
  t.match(line(child, 'second SIGTERM, exiting'), { level: 50 })
  t.equal(line(child, 'stopped'), undefined)
})

scenario('an unexpected error ends it orderly: exit code 1, the error in the log', async (s, t) => {
  const folder = t.testdir({
    'crash.mjs': 'export default async (app) => { app.get("/crash", (_request, reply) => { reply.send("on my way"); setImmediate(() => { throw new Error("unexpected") }) }) }'
  })
  const { child, url } = await run(s, [await s.scripted('a')], { PLUGINS_DIR: folder })
  t.equal((await call(`${url}/crash`)).text, 'on my way')
  t.equal(await child.exitCode(), 1)
  t.match(lines(child).filter(({ level }) => level === 60), [{ msg: 'stopping: unexpected error', err: { message: 'unexpected' } }])
})
