import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ADVICE } from '../../simulate/advice.ts'
import { play } from '../../simulate/play.ts'
import { adviceText, contradictions } from '../../simulate/report/advice-text.ts'
import { markdown, writeReport } from '../../simulate/report/markdown.ts'
import { METRICS, metricOf, metricsOf } from '../../simulate/report/metrics.ts'
import { drawing } from '../../simulate/report/svg.ts'
import { failures, resultTable } from '../../simulate/report/table.ts'
import { wrapped } from '../../simulate/report/wrapped.ts'
import { SCENARIOS } from '../../simulate/scenarios/index.ts'
import type { Played, Scenario } from '../../simulate/types.ts'
import { BUILT_IN_POLICIES, builtInPolicy, constant, type SimulationResult } from '../../src/testing/index.ts'
import { ROOT } from '../scripts/child.ts'

const SCENARIO: Scenario = {
  name: 'made',
  title: 'Made & <small>',
  about: 'Two backends.',
  options: {
    backends: [1, 2].map(() => ({ servers: 2, service: constant(10) })),
    traffic: { arrivals: { ratePerS: 50 } },
    durationMs: 4_000,
    warmUpMs: 1_000,
    changes: [{ atMs: 2_000, backends: [0], state: { errors: { status: 500, ratio: 1, ms: 1 } } }]
  }
}

const POLICIES = ['round-robin', 'random'].map((name) => ({ name, factory: builtInPolicy(name) }))

const made = async (): Promise<Played> => play(SCENARIO, { policies: POLICIES, seed: 1 })

/** Names of elements that are open at the end of `xml`, or what is wrong with it. */
function wellFormed (xml: string): string {
  const tags = /<(\/?)([a-z]+)(?: [a-zA-Z-]+="[^"<>]*")*(\/?)>/g
  const open: string[] = []
  for (const [tag, close, name = '', empty] of xml.matchAll(tags)) {
    if (close === '/' && open.pop() !== name) return `${tag} closes nothing`
    if (close === '' && empty === '') open.push(name)
  }
  return /[<>]/.test(xml.replaceAll(tags, '')) || /&(?!amp;|lt;|gt;|quot;)/.test(xml) ? 'not markup' : open.join(' ')
}

t.test('a table has a row a policy, and a column a metric that says something', async (t) => {
  const lines = resultTable(await made()).split('\n')
  t.equal(lines[0], '| policy | p50, ms | p99, ms | p99.9, ms | failed, % | retries, % | busiest, × | most at one |')
  t.match(lines.slice(2), [/^\| round-robin \| 11\.0 \| 11 \|/, /^\| random \| 11\.0 \|/])
})

t.test('what failed is told by what the client got', async (t) => {
  t.match(failures(await made()), /^What failed: round-robin \d+ × 500; random \d+ × 500\.$/)
  t.equal(failures(await play({ ...SCENARIO, options: { ...SCENARIO.options, changes: [] } }, { policies: POLICIES, seed: 1 })), undefined)
})

t.test('a rate says something only where clients wait', async (t) => {
  const open = await made()
  const closed = { ...open, scenario: { ...SCENARIO, options: { ...SCENARIO.options, traffic: { arrivals: { clients: 3 } } } } }
  const has = (played: Played): boolean => metricsOf(played).some(({ key }) => key === 'rate')
  t.strictSame([has(open), has(closed)], [false, true])
})

t.test('a drawing is well-formed, can be read on light and on dark, and brings no script', async (t) => {
  const svg = drawing(await made())
  t.equal(wellFormed(svg), '')
  t.match(svg, 'Made &amp; &lt;small&gt;')
  t.match(svg, 'prefers-color-scheme: dark')
  t.notMatch(svg, /NaN|<script/)
  t.equal(svg.match(/class="line"/g)?.length, 2, 'a line a policy')
  t.match(svg, /class="mark" d="M\d+\.\d 62V\d+"/)
})

t.test('a line is not drawn across seconds without an answer', async (t) => {
  const [first] = (await made()).results
  if (first === undefined) throw new Error('no result')
  const seconds = [5, NaN, 5, 5].map((p99Ms) => ({ requests: 1, failed: 0, p99Ms }))
  t.match(drawing({ scenario: SCENARIO, results: [{ ...first, seconds }] }), /class="line" d="M[\d. ]+M[\d. ]+L[\d. ]+"/)
  t.notMatch(drawing({ scenario: SCENARIO, results: [{ ...first, seconds: [] }] }), /class="line"/)
})

t.test('a report says how to make it again, and nothing of when or where it was made', async (t) => {
  const text = markdown({ played: [await made()], command: 'npm run simulate -- --seed 1', seed: 1 })
  t.match(text, /^<!-- Generated/)
  const about = '`made`. Two backends. 4 s, of which the first 1 do not count.'
  for (const part of ['`npm run simulate -- --seed 1` (seed 1)', '## Made & <small>', about, '![Made & <small>](made.svg)', '| round-robin |']) t.match(text, part)
  t.equal(text, markdown({ played: [await made()], command: 'npm run simulate -- --seed 1', seed: 1 }))
  t.notMatch(text, /202\d/)
})

t.test('writing leaves no drawing of an older run behind', async (t) => {
  const folder = t.testdir({ 'gone.svg': '', 'your-own.md': '' })
  writeReport(folder, { played: [await made()], command: 'c', seed: 1 })
  t.strictSame(readdirSync(folder).toSorted(), ['README.md', 'made.svg', 'your-own.md'])
})

t.test('text is wrapped between words', async (t) => {
  const words = Array.from({ length: 100 }, (_, i) => 'x'.repeat(1 + i % 9))
  const lines = wrapped(words.join(' ')).split('\n')
  t.ok(lines.length > 3 && lines.every((line) => line.length <= 140))
  t.strictSame(lines.join(' ').split(' '), words)
  t.equal(wrapped('x'.repeat(200)), 'x'.repeat(200))
})

t.test('metrics have names of their own, and another one is refused', async (t) => {
  t.equal(new Set(METRICS.map(({ key }) => key)).size, METRICS.length)
  t.throws(() => metricOf('p98'), { message: /no metric "p98"; there are p50, / })
})

/** All that the advice rests on, with results that are all the same, or become worse from one to the next. */
async function all (worse = 0): Promise<Played[]> {
  const [result] = (await made()).results
  if (result === undefined) throw new Error('no result')
  let failed = 1
  const as = (policy: string): SimulationResult => {
    failed *= 1 + worse
    return { ...result, policy, failed }
  }
  return SCENARIOS.map((scenario) => ({ scenario, results: (scenario.policies ?? [...BUILT_IN_POLICIES.keys()]).map(as) }))
}

t.test('advice comes with its figures, and is marked where the run does not bear it out', async (t) => {
  const played = await all()
  const text = adviceText(played)
  // Where all are equal nothing is better, and what is said to be alike is.
  const unborne = ADVICE.flatMap(({ evidence }) => evidence).filter(({ isAlike }) => isAlike !== true)
  t.ok(unborne.length > 10)
  t.equal(text.match(/does not bear it out/g)?.length, unborne.length)
  t.equal(contradictions(played).length, unborne.length)
})

t.test('what is said to be alike must not differ', async (t) => {
  const differing = contradictions(await all(0.1))
  const alike = ADVICE.flatMap(({ evidence }) => evidence).filter(({ metric, isAlike }) => metric === 'failed' && isAlike === true)
  t.ok(alike.length > 0)
  for (const { better: { scenario } } of alike) t.ok(differing.some((text) => text.includes(scenario)), scenario)
})

t.test('without what it rests on there is no advice, and nothing to contradict it', async (t) => {
  t.equal(adviceText([await made()]), '')
  t.strictSame(contradictions([await made()]), [])
})

t.test('the report of this checkout bears out all of its advice, and has all scenarios', async (t) => {
  const text = readFileSync(join(ROOT, 'docs/policies/README.md'), 'utf8').replaceAll('\n', ' ')
  t.notMatch(text, 'does not bear it out')
  for (const { title, about } of SCENARIOS) {
    t.match(text, `## ${title}`)
    t.match(text, about)
  }
  for (const { when, take, because } of ADVICE) t.match(text, `### ${when}  **${take}** ${because}`)
})
