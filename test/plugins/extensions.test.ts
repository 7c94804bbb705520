/** Plugins of the user: what their hooks see and change of proxied requests, and how they are loaded. */
import { Readable, Transform } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { afterBody, answer, type Behaviour, call, fieldValues, scenario, type ScriptedOrigin, until } from '../helper.ts'

const LARGE = 'large '.repeat(100_000)

/** Answers `/small` and `/large`. */
const sized: Behaviour = async (exchange) => {
  await exchange.request.body()
  const body = exchange.request.target === '/large' ? LARGE : 'small'
  await answer({ body, fields: ['content-type: text/plain', 'x-origin: yes'] })(exchange)
}

scenario('every hook of the life cycle runs once, in order, for small answers and large ones', async (s, t) => {
  const ran: string[] = []
  const gateway = await s.gateway([await s.scripted('a', sized)], {
    extend: (app) => {
      app.addHook('onRequest', async () => { ran.push('onRequest') })
      app.addHook('preParsing', async () => { ran.push('preParsing') })
      app.addHook('preValidation', async () => { ran.push('preValidation') })
      app.addHook('preHandler', async () => { ran.push('preHandler') })
      app.addHook('onSend', async () => { ran.push('onSend') })
      app.addHook('onResponse', async () => { ran.push('onResponse') })
    }
  })
  for (const path of ['/small', '/large']) {
    for (const method of ['GET', 'POST']) {
      ran.length = 0
      await call(gateway.url, { path, method })
      await until('onResponse', () => ran.includes('onResponse'))
      t.same(ran, ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse'], `${method} ${path}`)
    }
  }
})

scenario('a header that a hook sets reaches the client, beside those of the backend', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sized)], {
    extend: (app) => {
      app.addHook('onRequest', async (_request, reply) => { reply.header('x-early', '1').header('set-cookie', 'hook=1') })
      app.addHook('onSend', async (_request, reply) => { reply.header('x-late', '2').removeHeader('x-origin') })
    }
  })
  for (const path of ['/small', '/large']) {
    const { headers, text } = await call(gateway.url, { path })
    t.match(headers, { 'x-early': '1', 'x-late': '2', 'set-cookie': ['hook=1'], 'content-type': 'text/plain' })
    t.equal(headers['x-origin'], undefined)
    t.equal(text, path === '/large' ? LARGE : 'small')
  }
})

scenario('onSend may change a small answer', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sized)], {
    extend: (app) => {
      app.addHook('onSend', async (_request, _reply, payload) => `${String(payload)} and changed`)
    }
  })
  const { text, headers } = await call(gateway.url, { path: '/small' })
  t.equal(text, 'small and changed')
  t.equal(headers['content-length'], '17')
})

scenario('onSend may change a large answer as it flows', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sized)], {
    extend: (app) => {
      app.addHook('onSend', async (_request, reply, payload) => {
        if (!(payload instanceof Readable)) throw new Error('not a stream')
        reply.removeHeader('content-length')
        return payload.pipe(new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) }))
      })
    }
  })
  t.equal((await call(gateway.url, { path: '/large' })).text, LARGE.toUpperCase())
})

scenario('onSend may put something else in the place of an answer, which then ends upstream', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sized)], {
    extend: (app) => { app.addHook('onSend', async () => 'instead') }
  })
  for (const path of ['/small', '/large']) t.equal((await call(gateway.url, { path })).text, 'instead')
})

const REPLACEMENTS: ReadonlyArray<readonly [what: string, body: () => unknown]> = [
  ['a string', () => 'something longer than before'],
  ['a buffer', () => Buffer.from('something longer than before')],
  ['a stream', () => Readable.from(['something ', 'longer ', 'than ', 'before'])]
]

for (const [what, replacement] of REPLACEMENTS) {
  scenario(`preHandler may replace the body of a request by ${what}`, async (s, t) => {
    const origin = await s.scripted('a', afterBody(answer()))
    const gateway = await s.gateway([origin], {
      extend: (app) => { app.addHook('preHandler', async (request) => { request.body = replacement() }) }
    })
    t.equal((await call(gateway.url, { method: 'POST', body: 'before', headers: { 'content-type': 'text/plain' } })).status, 200)
    t.equal(String(await origin.requests[0]?.body()), 'something longer than before')
    t.same(got(origin, 'content-type'), ['text/plain'])
    t.not(got(origin, 'content-length')[0], '6')
  })
}

scenario('a body that cannot be forwarded is the hook\'s fault: 500, and no attempt', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], {
    extend: (app) => { app.addHook('preHandler', async (request) => { request.body = { an: 'object' } }) }
  })
  const { status, text } = await call(gateway.url, { method: 'POST', body: 'x' })
  t.equal(status, 500)
  t.match(JSON.parse(text), { statusCode: 500, code: 'FL_BODY_NOT_FORWARDABLE' })
  t.equal(origin.requests.length, 0)
})

scenario('preParsing may change the body of a request as it flows', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer()))
  const gateway = await s.gateway([origin], {
    extend: (app) => {
      app.addHook('preParsing', async (_request, _reply, payload) =>
        payload.pipe(new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) })))
    }
  })
  t.equal((await call(gateway.url, { method: 'POST', body: 'to upper case' })).status, 200)
  t.equal(String(await origin.requests[0]?.body()), 'TO UPPER CASE')
})

for (const hook of ['onRequest', 'preHandler'] as const) {
  scenario(`${hook} may answer by itself: nothing goes upstream`, async (s, t) => {
    const origin = await s.scripted('a')
    const gateway = await s.gateway([origin], {
      extend: (app) => { app.addHook(hook, async (_request, reply) => reply.code(418).send({ short: 'and stout' })) }
    })
    const { status, text } = await call(gateway.url, { method: 'POST', body: 'tea' })
    t.equal(status, 418)
    t.strictSame(JSON.parse(text), { short: 'and stout' })
    t.same([origin.requests.length, gateway.app.pool.status().backends[0]?.requests], [0, 0])
  })
}

scenario('a hook that throws is answered 500: nothing goes upstream', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { extend: (app) => { app.addHook('preHandler', async () => { throw new Error('broken hook') }) } })
  t.equal((await call(gateway.url)).status, 500)
  t.equal(origin.requests.length, 0)
})

scenario('an error handler of the user has the last word on errors of the gateway', async (s, t) => {
  const gateway = await s.gateway([await s.refusing()], {
    extend: (app) => {
      app.setErrorHandler<Error & { code: string }>((error, _request, reply) => reply.code(503).send({ sorry: error.code }))
    }
  })
  const { status, text } = await call(gateway.url)
  t.equal(status, 503)
  t.strictSame(JSON.parse(text), { sorry: 'FL_NO_BACKEND_AVAILABLE' })
})

scenario('hooks see what was done upstream', async (s, t) => {
  const seen: unknown[] = []
  const [refusing, b] = [await s.refusing(), await s.scripted('b')]
  const gateway = await s.gateway([refusing, b], {
    extend: (app) => {
      app.addHook('onResponse', async ({ exchange }) => { seen.push([exchange?.backend?.url, exchange?.attempts]) })
    }
  })
  gateway.declareHealthy(refusing)
  await call(gateway.url)
  t.same(seen, [[b.url, 2]])
})

scenario('a route of the user\'s own is not proxied', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin], { extend: (app) => { app.get('/own', async () => 'mine') } })
  t.equal((await call(gateway.url, { path: '/own' })).text, 'mine')
  t.equal((await call(gateway.url, { path: '/other' })).text, 'a')
  t.equal(origin.requests.length, 1)
})

scenario('PLUGINS_DIR is loaded, TypeScript and JavaScript, and its hooks run on proxied requests', async (s, t) => {
  const folder = t.testdir({
    'typed.ts': `
      import type { FastifyInstance } from 'fastify'
      export default async function typed (app: FastifyInstance): Promise<void> {
        app.addHook('onRequest', async (_request, reply) => { reply.header('x-typed', 'yes') })
      }`,
    'plain.mjs': 'export default async (app) => { app.addHook("onSend", async (_request, reply) => { reply.header("x-plain", "yes") }) }',
    own: { 'route.mjs': 'export default async (app) => { app.get("/own", async () => "mine") }' }
  })
  const gateway = await s.gateway([await s.scripted('a')], { env: { PLUGINS_DIR: folder } })
  t.match(await call(gateway.url), { text: 'a', headers: { 'x-typed': 'yes', 'x-plain': 'yes' } })
  t.equal((await call(gateway.url, { path: '/own' })).text, 'mine')
})

scenario('hooks of PLUGINS_DIR and of the embedding code all run', async (s, t) => {
  const folder = t.testdir({ 'a.mjs': 'export default async (app) => { app.addHook("onRequest", async (request, reply) => { reply.header("x-order", "folder") }) }' })
  const extend = (app: FastifyInstance): void => {
    app.register(fp(async (instance) => {
      instance.addHook('onRequest', async (_request, reply) => { reply.header('x-order', `${String(reply.getHeader('x-order'))}, code`) })
    }))
  }
  const gateway = await s.gateway([await s.scripted('a')], { env: { PLUGINS_DIR: folder }, extend })
  t.equal((await call(gateway.url)).headers['x-order'], 'folder, code')
})

scenario('a plugin that cannot be loaded stops the start, and is named', async (s, t) => {
  const folder = t.testdir({ 'broken.mjs': 'export default async () => { throw new Error("cannot find my database") }' })
  await t.rejects(s.load([{ url: 'http://127.0.0.1:1' }], { env: { PLUGINS_DIR: folder } }), {
    code: 'FL_EXTENSIONS_FAILED',
    message: /broken\.mjs.*cannot find my database/
  })
})

function got (origin: ScriptedOrigin, name: string): string[] {
  const head = origin.requests.at(-1)?.head
  return head === undefined ? [] : fieldValues(head, name)
}
