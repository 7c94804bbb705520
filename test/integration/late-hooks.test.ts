/** Hooks that take their time: what a client does meanwhile is not forgotten. */
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { answer, call, scenario, until } from '../helper.ts'

/** A hook that answers requests other than GET in the place of the backend, as soon as it is told to. */
class Usurper {
  #decide: (() => void) | undefined

  readonly extend = (app: FastifyInstance): void => {
    app.addHook('onRequest', (request, reply, done) => {
      if (request.method !== 'GET') this.#decide = () => { reply.code(503).send('the hook has decided') }
      done()
    })
  }

  /** Answers the request that has come, or the next one. */
  async answer (): Promise<void> {
    const decide = await until('the request', () => this.#decide)
    decide?.()
  }
}

scenario('a client that leaves while a hook is at work costs no backend anything', async (s, t) => {
  const origin = await s.origin('a')
  let isWaiting = false
  let goOn = (): void => {}
  const gateway = await s.gateway([origin], {
    extend: (app) => {
      app.addHook('onRequest', async () => {
        isWaiting = true
        await new Promise<void>((resolve) => { goOn = resolve })
      })
    }
  })
  const client = await s.client(gateway)
  client.get('/')
  await until('the hook is at work', () => isWaiting)
  client.reset()
  await until('the gateway has noticed', () => gateway.app.intake.size === 0)
  goOn()
  await until('the request is over', () => gateway.logs.of('client gone').length === 1)
  t.strictSame([origin.requests.length, gateway.app.pool.status().backends[0]?.requests], [0, 0])
})

scenario('a request that a hook has answered while its body came is not sent to a backend when the body is there', async (s, t) => {
  const origin = await s.scripted('a', answer({ body: 'next' }))
  const usurper = new Usurper()
  const gateway = await s.gateway([origin], { extend: usurper.extend })
  const client = await s.client(gateway)
  client.send('POST /first HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab')
  await usurper.answer()
  t.equal((await client.answer()).status, 503)
  client.send('cd')
  client.get('/next')
  t.equal((await client.answer()).body.toString(), 'next')
  t.strictSame(origin.requests.map(({ target }) => target), ['/next'])
  t.equal(gateway.logs.of('request').length, 2)
})

scenario('a request that a hook has answered while it waited for the first probes is not sent when they have ended', async (s, t) => {
  const { promise: mayAnswer, resolve: letProbeEnd } = Promise.withResolvers<void>()
  const origin = await s.scripted('a')
  const { onProbe } = origin
  origin.onProbe = async (probe) => {
    await mayAnswer
    await onProbe(probe)
  }
  const usurper = new Usurper()
  const gateway = await s.load([origin], { extend: usurper.extend })
  await gateway.listen()
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
  await usurper.answer()
  t.equal((await client.answer()).status, 503)
  letProbeEnd()
  await until('the gate is open', () => gateway.app.pool.gate.isOpen)
  client.get('/next')
  t.equal((await client.answer()).status, 200)
  t.strictSame(origin.requests.map(({ target }) => target), ['/next'])
})

scenario('a hook that answers in the middle of a large upload does not leave the connection stuck', async (s, t) => {
  const origin = await s.origin('a')
  const usurper = new Usurper()
  const gateway = await s.gateway([origin], { extend: usurper.extend })
  const client = await s.client(gateway)
  client.send(`PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n${'a'.repeat(1_000_000)}`)
  await until('it is on its way', () => gateway.inFlight === 1)
  await usurper.answer()
  t.equal((await client.answer()).status, 503)
  client.send('b'.repeat(2_000_000))
  client.get('/next')
  t.equal((await client.answer()).status, 200)
})

scenario('an onResponse hook that fails changes nothing of what is known of the answer', async (s, t) => {
  const sendTimeoutMs = 100
  // More than the kernel takes at once, so that the client is waited for.
  const body = Buffer.alloc(24 * 1024 * 1024)
  const origin = await s.origin('a', (_request, response) => { response.end(body) })
  const gateway = await s.gateway([origin], {
    env: { CLIENT_SEND_TIMEOUT_MS: String(sendTimeoutMs) },
    extend: (app) => { app.addHook('onResponse', async () => { throw new Error('the hook has failed') }) }
  })
  t.equal((await call(gateway.url, { agent: s.agent() })).body.length, body.length)
  await wait(2 * sendTimeoutMs)
  t.strictSame(gateway.logs.lines.filter(({ reqId }) => reqId !== undefined).map(({ msg }) => msg), ['request'])
})
