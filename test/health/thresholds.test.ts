import t from 'tap'
import { type ThresholdOptions, Thresholds } from '../../src/health/thresholds.ts'
import { seededRandom } from '../virtual-schedule.ts'

/** The verdicts on a row of outcomes, both written as text: `+` good or healthy, `-` bad or unhealthy. */
function verdicts (options: ThresholdOptions, outcomes: string): string {
  const thresholds = new Thresholds(options)
  return Array.from(outcomes, (outcome) => thresholds.observe(outcome === '+') ? '+' : '-').join('')
}

t.test('the first outcome decides alone, whatever the thresholds', async (t) => {
  t.equal(verdicts({ rise: 5, fall: 5 }, '+'), '+')
  t.equal(verdicts({ rise: 5, fall: 5 }, '-'), '-')
})

t.test('with thresholds of 1 the verdict is the outcome', async (t) => {
  t.equal(verdicts({ rise: 1, fall: 1 }, '+-+--++-'), '+-+--++-')
})

t.test('a healthy backend falls at the last of `fall` bad outcomes in a row', async (t) => {
  t.equal(verdicts({ rise: 1, fall: 3 }, '+---'), '+++-')
})

t.test('an unhealthy backend rises at the last of `rise` good outcomes in a row', async (t) => {
  t.equal(verdicts({ rise: 3, fall: 1 }, '-+++'), '---+')
})

t.test('one outcome the other way begins the count anew', async (t) => {
  t.equal(verdicts({ rise: 1, fall: 3 }, '+--+--+---'), '+++++++++-')
  t.equal(verdicts({ rise: 3, fall: 1 }, '-++-++-+++'), '---------+')
})

t.test('after a change the whole count is needed for the way back', async (t) => {
  t.equal(verdicts({ rise: 2, fall: 2 }, '+--++--'), '++--++-')
})

t.test('any row of outcomes is judged as looking at the last ones says', async (t) => {
  const random = seededRandom(20_300_101)
  let changes = 0
  for (let walk = 0; walk < 300; walk++) {
    const options = { rise: 1 + Math.floor(random() * 4), fall: 1 + Math.floor(random() * 4) }
    const badRatio = random()
    const outcomes = Array.from({ length: 100 }, () => random() < badRatio ? '-' : '+').join('')
    const seen = verdicts(options, outcomes)
    if (seen !== naiveVerdicts(options, outcomes)) t.fail(`rise ${options.rise}, fall ${options.fall}: ${outcomes} gave ${seen}`)
    changes += seen.replaceAll(/(.)\1*/g, '.').length - 1
  }
  t.ok(changes > 1_000, `the verdict changed ${changes} times`)
})

/** The rule itself: a verdict changes when the last `rise` or `fall` outcomes all speak against it. */
function naiveVerdicts ({ rise, fall }: ThresholdOptions, outcomes: string): string {
  let verdict = outcomes[0] ?? ''
  let all = verdict
  for (let end = 2; end <= outcomes.length; end++) {
    const last = verdict === '+' ? '-'.repeat(fall) : '+'.repeat(rise)
    if (outcomes.slice(0, end).endsWith(last)) verdict = verdict === '+' ? '-' : '+'
    all += verdict
  }
  return all
}
