/** The gateway before nginx, a backend that nobody here has written. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { call, freePort, type Gateway, scenario, type Scenario, until } from '../helper.ts'

const LARGE = randomBytes(16 * 1024 * 1024)

const isInstalled = spawnSync('nginx', ['-v']).status === 0

interface Nginx {
  readonly url: string
  readonly port: number
  stop (): Promise<void>
}

function configuration (port: number): string {
  return `
    daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr;
    events { worker_connections 256; }
    http {
      access_log off; default_type text/plain; client_max_body_size 32m;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${port}; root files; keepalive_requests 10;
        location = /health { return 200; }
        location /small { return 200 "small\\n"; }
        location /length { return 200 "$content_length $host"; }
      }
    }`
}

/** nginx in the foreground, as a process of this test. */
async function startNginx (s: Scenario, port?: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-test-'))
  const ownPort = port ?? await freePort()
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files/large'), LARGE)
  writeFileSync(join(folder, 'nginx.conf'), configuration(ownPort))
  const process = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: 'ignore' })
  const exited = once(process, 'exit')
  const stop = async (): Promise<void> => {
    process.kill('SIGKILL')
    await exited
  }
  s.atEnd(async () => {
    await stop()
    rmSync(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${ownPort}`
  await until('nginx answers', () => call(`${url}/health`).then(({ status }) => status === 200, () => false))
  return { url, port: ownPort, stop }
}

async function gatewayBefore (s: Scenario): Promise<Gateway> {
  return await s.gateway([await startNginx(s), await startNginx(s)])
}

if (!isInstalled) {
  void t.test('the gateway before nginx', { skip: 'nginx is not installed (apt-get install nginx)' }, () => {})
} else {
  scenario('small answers, over connections that nginx closes after some requests', async (s, t) => {
    const gateway = await gatewayBefore(s)
    const agent = s.agent(4)
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(gateway.url, { path: '/small', agent })))
    t.same(new Set(answers.map(({ status, text }) => `${status} ${text}`)), new Set(['200 small\n']))
    t.match(gateway.app.pool.status().backends, [{ requests: 50, failures: 0 }, { requests: 50, failures: 0 }])
  })

  scenario('a large file', async (s, t) => {
    const gateway = await gatewayBefore(s)
    const { status, body } = await call(gateway.url, { path: '/large' })
    t.equal(status, 200)
    t.equal(createHash('sha256').update(body).digest('hex'), createHash('sha256').update(LARGE).digest('hex'))
    t.match(await call(gateway.url, { path: '/large', headers: { range: 'bytes=100-199' } }), { status: 206, body: LARGE.subarray(100, 200) })
    t.equal((await call(gateway.url, { path: '/missing' })).status, 404)
  })

  scenario('POSTs of 1 KiB', async (s, t) => {
    const gateway = await gatewayBefore(s)
    const agent = s.agent(2)
    for (let i = 0; i < 40; i++) {
      const { status, text } = await call(gateway.url, { method: 'POST', path: '/length', body: Buffer.alloc(1024, 'x'), headers: { host: 'shop.example' }, agent })
      t.equal(status, 200)
      t.equal(text, '1024 shop.example')
    }
  })

  scenario('an nginx that is killed loses no GET, and takes its share again once it is back', async (s, t) => {
    const [one, other] = [await startNginx(s), await startNginx(s)]
    const gateway = await s.gateway([one, other], { env: { HEALTH_INTERVAL_MS: '50', EJECT_MS: '50' } })
    const agent = s.agent(8)
    const get = (): Promise<number> => call(gateway.url, { path: '/small', agent }).then(({ status }) => status)
    await Promise.all(Array.from({ length: 40 }, get))
    const underLoad = Promise.all(Array.from({ length: 200 }, get))
    await one.stop()
    t.same(new Set(await underLoad), new Set([200]))
    await gateway.logs.wait('backend is down')

    await startNginx(s, one.port)
    await gateway.logs.wait('backend is up', 3)
    // Whichever was faster, a probe or the failures of requests: if it was ejected too, it has to pass its trial first.
    await until('both are up', async () => await get() === 200 && gateway.app.pool.status().backends.every(({ state }) => state === 'up'))
    const before = gateway.app.pool.status().backends.map(({ requests }) => requests)
    await Promise.all(Array.from({ length: 20 }, get))
    t.same(gateway.app.pool.status().backends.map(({ requests }, index) => requests - (before[index] ?? 0)), [10, 10])
  })
}
