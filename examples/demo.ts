/**
 * `npm run demo`: the gateway with three small backends in this process, and switches to take one down and bring it back.
 * PORT chooses the gateway's port; without it a free one is taken.
 */
import type { FastifyInstance } from 'fastify'
import { createApp } from '../src/index.ts'
import { DemoBackend } from './demo/backend.ts'
import { demoLog } from './demo/log.ts'

const HEALTH_INTERVAL_MS = 1_000

const backends = ['one', 'two', 'three'].map((name) => new DemoBackend(name))
await Promise.all(backends.map((backend) => backend.switchOn()))

const app = createApp({
  env: {
    HOST: '127.0.0.1',
    PORT: process.env['PORT'] ?? '0',
    BACKENDS: backends.map((backend) => backend.url).join(','),
    HEALTH_INTERVAL_MS: String(HEALTH_INTERVAL_MS),
    ADMIN_PORT: '0'
  },
  logger: demoLog((url) => backends.find((backend) => backend.url === url)?.name ?? url)
})

let isEnding = false

// They stay: under npm the same signal comes twice, and one without a listener would cut what is in flight.
process.on('SIGINT', () => void end())
process.on('SIGTERM', () => void end())

try {
  const { gateway, admin } = await start()
  await firstProbes(app)
  console.log(introduction(gateway, admin))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
  await end()
}

/** Opens the gateway and its admin side; their addresses. */
async function start (): Promise<{ gateway: string, admin: string }> {
  await app.ready()
  const { admin, config } = app
  if (admin === null) throw new Error('The demo needs the admin side')
  // The switches are on the admin side, so that no path of the proxied space is taken.
  admin.post<{ Params: { name: string, state: string } }>('/demo/:name/:state', async ({ params }, reply) => {
    const backend = backends.find(({ name }) => name === params.name)
    if (backend === undefined || !['on', 'off'].includes(params.state)) return reply.code(404).send('try one, two or three, on or off\n')
    await (params.state === 'on' ? backend.switchOn() : backend.switchOff())
    return `${backend.name} is ${params.state}\n`
  })
  return {
    admin: await admin.listen({ host: '127.0.0.1', port: 0 }),
    gateway: await app.listen({ host: config.HOST, port: config.PORT })
  }
}

async function firstProbes ({ pool }: FastifyInstance): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (pool.gate.isOpen) resolve()
  else pool.gate.wait({ gateOpened: resolve })
  return promise
}

async function end (): Promise<void> {
  if (isEnding) return
  isEnding = true
  await app.close()
  await Promise.all(backends.map((backend) => backend.switchOff()))
}

function introduction (gateway: string, admin: string): string {
  return `
  Fastlancer spreads requests over three backends: one, two and three. In another terminal:

    curl ${gateway}/

  Repeat it, and they take turns. Then take one down, and repeat it again; no request fails:

    curl -X POST ${admin}/demo/two/off

  Within ${HEALTH_INTERVAL_MS / 1_000} s a probe notices, here in the log. Bring it back, and look at the counters:

    curl -X POST ${admin}/demo/two/on
    curl ${admin}/-/status

  Ctrl-C ends it.
`
}
