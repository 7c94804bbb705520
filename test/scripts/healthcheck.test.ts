/** What the HEALTHCHECK of a container says of a gateway. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type Gateway, HttpOrigin, scenario } from '../helper.ts'
import { freePort, portOf } from '../kit/port.ts'
import { Child } from './child.ts'

/** What a container runtime waits for. */
const PATIENCE_MS = 5_000

scenario('a gateway that is alive is healthy', async (s, t) => {
  const gateway = await s.gateway([await s.origin()], { admin: true })
  t.same(await check(t, { ADMIN_PORT: adminPort(gateway) }), { code: 0, stderr: '' })
})

scenario('one without an available backend is healthy: restarting it would help nobody', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()], { admin: true })
  t.same(await check(t, { ADMIN_PORT: adminPort(gateway) }), { code: 0, stderr: '' })
})

scenario('an admin side on all addresses is asked over loopback', async (s, t) => {
  const gateway = await s.gateway([await s.origin()], { admin: true })
  t.same(await check(t, { ADMIN_HOST: '0.0.0.0', ADMIN_PORT: adminPort(gateway) }), { code: 0, stderr: '' })
})

scenario('without an admin side it is enough that the port accepts', async (s, t) => {
  const gateway = await s.gateway([await s.origin()])
  t.same(await check(t, { ADMIN_PORT: 'off', PORT: String(gateway.port) }), { code: 0, stderr: '' })
})

t.test('nobody there is not healthy', async (t) => {
  const gone = await HttpOrigin.start('gone')
  await gone.stop()
  t.match(await check(t, { ADMIN_PORT: String(gone.port) }), { code: 1, stderr: /^not healthy: .*ECONNREFUSED/ })
  t.match(await check(t, { ADMIN_PORT: 'off', PORT: String(gone.port) }), { code: 1, stderr: /^not healthy: .*ECONNREFUSED/ })
})

t.test('another answer than 200 is not healthy', async (t) => {
  const other = await HttpOrigin.start('other', (_request, response) => { response.writeHead(404).end() })
  t.teardown(() => other.stop())
  t.match(await check(t, { ADMIN_PORT: String(other.port) }), { code: 1, stderr: /answered 404/ })
})

t.test('silence is not healthy, in time', async (t) => {
  const silent = createServer()
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const startedMs = performance.now()
  t.match(await check(t, { ADMIN_PORT: String(await freePort()) }), { code: 1 })
  // Without the start of a process, which takes long on a slow machine.
  const refusedMs = performance.now() - startedMs
  t.match(await check(t, { ADMIN_PORT: String(portOf(silent)) }), { code: 1, stderr: /^not healthy: .*abort/ })
  t.ok(performance.now() - startedMs - 2 * refusedMs < PATIENCE_MS)
})

t.test('a port that the gateway took by itself cannot be asked, and that is said', async (t) => {
  t.match(await check(t, { ADMIN_PORT: '0' }), { code: 1, stderr: /^not healthy: ADMIN_PORT is 0/ })
})

function adminPort ({ adminUrl }: Gateway): string {
  return new URL(adminUrl).port
}

async function check (t: Test, env: Readonly<Record<string, string>>): Promise<{ code: number | null, stderr: string }> {
  const child = new Child(['src/healthcheck.ts'], { env, cwd: t.testdir() })
  t.teardown(() => child.kill())
  return { code: await child.exitCode(), stderr: child.stderr }
}
