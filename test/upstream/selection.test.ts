/** Which backends a request goes to, one after the other: of a request as it comes over the wire. */
import type { FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { Board } from '../../src/pool/board.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { REASON_EJECTED } from '../../src/pool/slots.ts'
import { Selection, type SelectionParts } from '../../src/upstream/selection.ts'
import { Sticky } from '../../src/upstream/sticky.ts'
import { madePool } from '../pool/made-pool.ts'
import { call, scenario, type Scenario } from '../helper.ts'

const SECRET = 'a secret of the tests'

/** Does what an exchange does. */
class Attempts extends Selection {
  next (): string | undefined {
    return this.nextBackend()?.url
  }

  failed (backend: Backend | undefined): void {
    if (backend !== undefined) this.exclude(backend)
  }

  get maySoon (): boolean {
    return this.mayWait
  }

  get why (): string {
    const error = this.nobodyLeft()
    return 'code' in error ? String(error.code) : error.message
  }
}

/** Plays with a request that has come. */
async function withRequest (s: Scenario, play: (request: FastifyRequest) => void, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const gateway = await s.gateway([await s.origin('a')], {
    extend: (app) => { app.addHook('preHandler', async (request) => { play(request) }) }
  })
  const { status, text } = await call(gateway.url, { headers })
  if (status !== 200) throw new Error(text)
}

function parts (pool: Pool, more: Partial<SelectionParts> = {}): SelectionParts {
  return { pool, requestKey: () => 7, sticky: undefined, ...more }
}

scenario('the backend that was picked first is the one that is sent to, and counts from then on', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool(['http://a', 'http://b'])
    const attempts = new Attempts(parts(pool), request)
    t.equal(attempts.resolve(), 'http://a')
    t.strictSame(pool.backends.map(({ inFlight }) => inFlight), [0, 0])
    t.equal(attempts.next(), 'http://a')
    t.strictSame(pool.backends.map(({ inFlight }) => inFlight), [1, 0])
    t.strictSame(attempts.tried, [])
  })
})

scenario('if it has gone out of service in the meantime another one takes its place', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool(['http://a', 'http://b'])
    const attempts = new Attempts(parts(pool), request)
    attempts.resolve()
    for (const backend of pool.backends.slice(0, 1)) pool.verdicts.judge(backend, false, 'down', 0)
    t.equal(attempts.next(), 'http://b')
  })
})

scenario('so it is if another thread has taken it out', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool(['http://a', 'http://b'])
    const attempts = new Attempts(parts(pool), request)
    attempts.resolve()
    new Board({ capacity: 2, memory: pool.board.memory }).set(0, REASON_EJECTED)
    t.equal(attempts.next(), 'http://b')
  })
})

scenario('a closed gate holds back the pick', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool(['http://a'])
    pool.gate.close()
    const attempts = new Attempts(parts(pool), request)
    t.equal(attempts.resolve(), '')
    pool.gate.open()
    t.equal(attempts.next(), 'http://a')
  })
})

scenario('what has failed is not asked again, and is kept in the pool\'s order', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool(['http://a', 'http://b', 'http://c'])
    const attempts = new Attempts(parts(pool), request)
    const [a, b, c] = pool.backends
    for (const backend of [c, a]) attempts.failed(backend)
    t.strictSame(attempts.tried.map(({ url }) => url), ['http://a', 'http://c'])
    t.strictSame([attempts.next(), attempts.next()], ['http://b', 'http://b'])
    attempts.failed(b)
    t.equal(attempts.next(), undefined)
  })
})

scenario('one that became full after it was picked is passed over; who finds all full may wait, and is told which want there is', async (s, t) => {
  await withRequest(s, (request) => {
    const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight: 1 }, { url: 'http://b', maxInFlight: 1 }] })
    const [first, second, third] = [new Attempts(parts(pool), request), new Attempts(parts(pool), request), new Attempts(parts(pool), request)]
    t.equal(first.resolve(), 'http://a')
    for (const backend of pool.backends.slice(0, 1)) pool.begin(backend)
    t.equal(first.next(), 'http://b')
    t.strictSame([second.resolve(), second.next(), second.maySoon], ['', undefined, true])
    t.equal(third.why, 'FL_BACKENDS_FULL')
    third.failed(pool.backends[0])
    t.equal(third.why, 'FL_BACKENDS_FULL', 'the other one is full')
    third.failed(pool.backends[1])
    t.strictSame([third.why, third.maySoon], ['FL_NO_BACKEND_AVAILABLE', false], 'nobody is left to wait for')
    for (const backend of pool.backends) pool.verdicts.judge(backend, false, 'down', 0)
    t.notOk(second.maySoon)
    t.throws(() => second.resolve(), { code: 'FL_NO_BACKEND_AVAILABLE' })
  })
})

scenario('the key is worked out once, and not before somebody asks', async (s, t) => {
  await withRequest(s, (request) => {
    let asked = 0
    const attempts = new Attempts(parts(madePool(['http://a']), { requestKey: () => { return ++asked - 1 } }), request)
    attempts.next()
    t.equal(asked, 0)
    t.strictSame([attempts.keyHash, attempts.keyHash, asked], [0, 0, 1])
  })
})

/** The cookie that keeps a client to the last backend of these. */
async function cookieOfLast (s: Scenario, pool: Pool): Promise<string> {
  let cookie = ''
  const sticky = stickyOf(pool)
  const gateway = await s.gateway([await s.origin('a')], {
    extend: (app) => {
      app.addHook('preHandler', async (request, reply) => {
        for (const backend of pool.backends.slice(-1)) sticky.mark(request, reply, backend)
        cookie = String(reply.getHeader('set-cookie'))
      })
    }
  })
  await call(gateway.url)
  return cookie.split(';')[0] ?? ''
}

const stickyOf = ({ backends }: Pool): Sticky => new Sticky({ cookie: 'to', secret: SECRET, maxAgeSeconds: 0, backends })

async function stuck (s: Scenario, t: Test, pool: Pool, play: (attempts: Attempts) => void): Promise<void> {
  const cookie = await cookieOfLast(s, pool)
  t.match(cookie, /^to=/)
  await withRequest(s, (request) => play(new Attempts(parts(pool, { sticky: stickyOf(pool) }), request)), { cookie })
}

scenario('a client that keeps to a backend goes there, whatever the policy, until it has failed', async (s, t) => {
  const pool = madePool(['http://a', 'http://b', 'http://c'])
  await stuck(s, t, pool, (attempts) => {
    t.strictSame([attempts.resolve(), attempts.next(), attempts.next()], ['http://c', 'http://c', 'http://c'])
    attempts.failed(pool.backends[2])
    t.strictSame([attempts.next(), attempts.next()], ['http://a', 'http://b'])
  })
})

scenario('a client that keeps to a backup stays there when its group has no turn any more, but not when it is down', async (s, t) => {
  const pool = madePool([], { backends: [{ url: 'http://a' }, { url: 'http://b', priority: 1 }] })
  await stuck(s, t, pool, (attempts) => {
    t.equal(attempts.next(), 'http://b')
    for (const backend of pool.backends.slice(1)) pool.verdicts.judge(backend, false, 'down', 0)
    t.equal(attempts.next(), 'http://a')
  })
})
