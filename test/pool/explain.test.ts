/** What is said of a choice among backends. */
import t from 'tap'
import type { Backend } from '../../src/pool/backend.ts'
import { type Candidate, explainPick, type LeftOut } from '../../src/pool/explain.ts'
import { leastConnections } from '../../src/pool/policies/least-connections.ts'
import type { Policy, PolicyFactory } from '../../src/pool/policy.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { REASON_DRAINING, REASON_EJECTED } from '../../src/pool/slots.ts'
import { FRESH, madePool } from './made-pool.ts'

const URLS = ['http://a', 'http://b', 'http://c']

function backendOf (pool: Pool, slot: number): Backend {
  const backend = pool.backends[slot]
  if (backend === undefined) throw new Error(`no backend ${slot}`)
  return backend
}

/** `a b | c: down, tried`: the candidates, and those left out with their reasons. */
function said ({ candidates, leftOut }: { readonly candidates: readonly Candidate[], readonly leftOut: readonly LeftOut[] }): string {
  const nameOf = (url: string): string => url.replace('http://', '')
  const others = leftOut.map(({ backend, because }) => `${nameOf(backend)}: ${because.join(', ')}`).join('; ')
  return `${candidates.map(({ backend }) => nameOf(backend)).join(' ')} | ${others}`.trim()
}

t.test('all that nothing speaks against are candidates, with what the policy weighs them by', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://a', weight: 2 }, { url: 'http://b' }], policy: leastConnections })
  pool.begin(backendOf(pool, 1))
  const explained = explainPick(pool, FRESH)
  t.equal(said(explained), 'a b |')
  t.match(explained, { policy: 'least-connections', rule: /lowest load/, panicking: false, candidates: [{ scores: { inFlight: 0, weight: 2 } }, { scores: { inFlight: 1, weight: 1 } }] })
})

t.test('who is down, ejected or draining is left out for that', async (t) => {
  const pool = madePool(URLS)
  pool.verdicts.judge(backendOf(pool, 0), false, 'down', 0)
  pool.board.set(1, REASON_EJECTED)
  t.equal(said(explainPick(pool, FRESH)), 'c | a: down; b: ejected')
  pool.board.set(0, REASON_DRAINING)
  pool.board.set(2, REASON_DRAINING)
  t.equal(said(explainPick(pool, FRESH)), '| a: down, draining; b: ejected; c: draining')
})

t.test('who is full is left out for that', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight: 1 }, { url: 'http://b' }] })
  pool.begin(backendOf(pool, 0))
  t.equal(said(explainPick(pool, FRESH)), 'b | a: full')
})

t.test('who was tried is left out for that, besides what else speaks against it', async (t) => {
  const pool = madePool(URLS)
  const tried = [backendOf(pool, 0), backendOf(pool, 2)]
  t.equal(said(explainPick(pool, { tried, keyHash: 0 })), 'b | a: tried; c: tried')
  pool.verdicts.judge(backendOf(pool, 0), false, 'down', 0)
  t.equal(said(explainPick(pool, { tried, keyHash: 0 })), 'b | a: down, tried; c: tried')
})

t.test('who stands by is left out as long as it is not its turn, and is a candidate when all others were tried', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://a' }, { url: 'http://b', priority: 1 }, { url: 'http://c', priority: 1 }] })
  t.equal(said(explainPick(pool, FRESH)), 'a | b: standby; c: standby')
  const context = { tried: [backendOf(pool, 0)], keyHash: 0 }
  t.equal(said(explainPick(pool, context)), 'b c | a: tried')
  t.match(pool.pick(context)?.url, /^http:\/\/[bc]$/, 'as it is picked')
})

t.test('in a panic those that are down are candidates too, and that is said', async (t) => {
  const pool = madePool(URLS, { rules: { minGroupRatio: 0, panicRatio: 0.9 } })
  pool.verdicts.judge(backendOf(pool, 0), false, 'down', 0)
  const explained = explainPick(pool, FRESH)
  t.equal(said(explained), 'a b c |')
  t.ok(explained.panicking)
})

t.test('a policy that says nothing of itself is left at that', async (t) => {
  const silent: PolicyFactory = () => ({ name: 'mine', rebuild: () => {}, pick: () => undefined }) satisfies Policy
  t.match(explainPick(madePool(['http://a'], { policy: silent }), FRESH), { policy: 'mine', rule: 'its own', candidates: [{ backend: 'http://a', scores: {} }] })
})

t.test('nothing is picked, and nothing changes', async (t) => {
  const pool = madePool(URLS)
  const memory = (): string => [pool.counters.memory.totals, pool.counters.memory.inFlight, pool.board.memory].map((one) => Buffer.from(one).toString('hex')).join()
  const before = memory()
  for (let i = 0; i < 5; i++) explainPick(pool, FRESH)
  t.equal(memory(), before)
  t.equal(pool.pick(FRESH)?.url, 'http://a')
})

t.test('a pool explains itself', async (t) => {
  const pool = madePool(['http://a', 'http://b'])
  t.strictSame(pool.explain(), explainPick(pool, FRESH))
  const tried = pool.backends.slice(0, 1)
  t.strictSame(pool.explain({ tried, keyHash: 1 }), explainPick(pool, { tried, keyHash: 1 }))
})
