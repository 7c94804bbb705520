/** How a choice of backends is written down, and told. */
import t from 'tap'
import type { PolicyFactory } from '../../src/pool/policy.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { Explanation } from '../../src/upstream/explanation.ts'
import { parseObject } from '../kit/parse-object.ts'
import { FRESH, madePool } from '../pool/made-pool.ts'

/** As long as a field may be: many clients take no more than 8 KiB of fields. */
const MAX_LENGTH = 4_000

const many = (count: number, host = 'backend'): string[] => Array.from({ length: count }, (_, i) => `http://${host}${i}`)

/** An explanation of so many picks. */
function explaining (pool: Pool, picks = 1): Explanation {
  const explanation = new Explanation(true)
  for (let i = 0; i < picks; i++) explanation.notePick(pool, FRESH, 'policy', () => pool.pick(FRESH))
  return explanation
}

function listOf (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

t.test('each choice stands there with what it was made of, and each attempt with what became of it', async (t) => {
  const pool = madePool(['http://a', 'http://b'])
  const explanation = explaining(pool)
  explanation.noteAttempt('http://a', 'FL_UPSTREAM_RESET')
  const context = { tried: pool.backends.slice(0, 1), keyHash: 0 }
  t.equal(explanation.notePick(pool, context, 'sticky', () => pool.backends[1])?.url, 'http://b', 'what was chosen is passed on')
  explanation.noteAttempt('http://b', 200)
  t.match(parseObject(explanation.asField()), {
    picks: [
      { policy: 'round-robin', rule: /each in turn/, panicking: false, picked: 'http://a', by: 'policy', candidates: [{ backend: 'http://a' }, { backend: 'http://b' }], leftOut: [] },
      { picked: 'http://b', by: 'sticky', candidates: [{ backend: 'http://b' }], leftOut: [{ backend: 'http://a', because: ['tried'] }] }
    ],
    attempts: [{ backend: 'http://a', result: 'FL_UPSTREAM_RESET' }, { backend: 'http://b', result: '200' }]
  })
})

t.test('the choice is explained as it was before it was made', async (t) => {
  const pool = madePool([], { backends: [{ url: 'http://a', maxInFlight: 1 }] })
  const explanation = new Explanation(false)
  explanation.notePick(pool, FRESH, 'policy', () => {
    const picked = pool.pick(FRESH)
    if (picked !== undefined) pool.begin(picked)
    return picked
  })
  t.match(explanation.picks, [{ picked: 'http://a', candidates: [{ backend: 'http://a' }], leftOut: [] }])
})

t.test('of what was looked for in vain, again and again, the last look is kept', async (t) => {
  const pool = madePool(['http://a', 'http://b'])
  const explanation = explaining(pool)
  for (const backend of pool.backends) pool.verdicts.judge(backend, false, 'down', 0)
  for (let i = 0; i < 1_000; i++) explanation.notePick(pool, FRESH, 'policy', () => pool.pick(FRESH))
  for (const backend of pool.backends) pool.verdicts.judge(backend, true, 'up', 0)
  explanation.notePick(pool, FRESH, 'policy', () => pool.pick(FRESH))
  t.strictSame(explanation.picks.map(({ picked }) => picked), ['http://a', undefined, 'http://b'])
})

t.test('of a large pool ten are named, and how many more there are', async (t) => {
  const pool = madePool(many(25))
  for (const backend of pool.backends.slice(12)) pool.verdicts.judge(backend, false, 'down', 0)
  const { picks } = parseObject(explaining(pool).asField())
  const [pick] = listOf(picks)
  t.match(pick, { picked: 'http://backend0', moreCandidates: 2, moreLeftOut: 3, candidates: [{ backend: 'http://backend0' }], leftOut: [{ backend: 'http://backend12' }] })
  t.equal(JSON.stringify(pick).split('"backend":').length - 1, 20)
})

t.test('it is never longer than a field may be, whatever there is to say, and says if it was shortened', async (t) => {
  const pools = [
    madePool(many(25)),
    madePool(many(25, 'x'.repeat(250))),
    madePool(['http://a'], { policy: named('x'.repeat(5_000)) })
  ]
  for (const pool of pools) {
    for (const picks of [1, 20, 200]) {
      const explanation = explaining(pool, picks)
      for (let i = 0; i < picks; i++) explanation.noteAttempt(`http://${'y'.repeat(100)}`, 503)
      const field = explanation.asField()
      t.ok(field.length <= MAX_LENGTH, `${field.length}`)
      if (picks === 200) t.equal(parseObject(field)['shortened'], true)
    }
  }
})

t.test('it is ASCII, whatever a plugin calls its policy', async (t) => {
  const field = explaining(madePool(['http://a'], { policy: named('größte\u007f\r\n\u{1f600}') })).asField()
  t.match(field, /^[\x20-\x7e]*$/)
  t.match(parseObject(field), { picks: [{ policy: 'größte\u007f\r\n\u{1f600}' }] })
})

function named (name: string): PolicyFactory {
  return () => ({ name, rule: name, rebuild: () => {}, pick: () => undefined })
}
