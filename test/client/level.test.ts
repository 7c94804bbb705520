import t from 'tap'
import { Level, type LevelOptions } from '../../src/client/level.ts'

/** What a level says to these figures, a second apart: `!` for too high. */
function judged (figures: readonly number[], options: LevelOptions = { limit: 100, well: 50 }): string {
  const level = new Level(options)
  return figures.map((figure, index) => {
    level.observe(figure, index * 1_000)
    return level.isHigh ? '!' : '.'
  }).join('')
}

const times = (count: number, figure: number): number[] => Array.from({ length: count }, () => figure)

t.test('one figure above the limit is nothing yet, two in a row are', async (t) => {
  t.equal(judged([101, 101]), '.!')
  t.equal(judged([1_000_000, 0, 1_000_000, 0, 1_000_000, 99, 101, 100]), '........')
})

t.test('at the limit is not above it', async (t) => {
  t.equal(judged([100, 100, 100]), '...')
})

t.test('between the two marks it stays as it is', async (t) => {
  t.equal(judged([...times(5, 75), 101, 101, ...times(20, 75)]), `......${'!'.repeat(21)}`)
})

t.test('it is well again after four figures in a row below the lower mark', async (t) => {
  t.equal(judged([101, 101, 49, 49, 49, 49]), '.!!!!.')
  t.equal(judged([101, 101, 50, 50, 50, 50]), '.!!!!!')
})

t.test('one figure between that is not below it begins the count anew', async (t) => {
  t.equal(judged([101, 101, 49, 49, 49, 50, 49, 49, 49, 49]), '.!!!!!!!!.')
})

t.test('a figure that swings about its limit does not make it flap', async (t) => {
  t.equal(judged([101, 101, ...Array.from({ length: 50 }, (_, index) => index % 2 === 0 ? 40 : 110)]), `.${'!'.repeat(51)}`)
})

t.test('once well, it takes two figures to be too high again', async (t) => {
  t.equal(judged([101, 101, 0, 0, 0, 0, 101, 101]), '.!!!!..!')
})

t.test('a figure that stays high is not given up by itself', async (t) => {
  t.equal(judged(times(1_000, 200)), `.${'!'.repeat(999)}`)
})

const GIVING_UP: LevelOptions = { limit: 0.8, well: 0.7, giveUp: { afterMs: 10_000, step: 0.01, ceiling: 1 } }

t.test('a figure that does not fall for the time is given up', async (t) => {
  t.equal(judged(times(15, 0.84), GIVING_UP), `.${'!'.repeat(10)}....`)
})

t.test('given up, it is too high again halfway to the ceiling', async (t) => {
  t.equal(judged([...times(12, 0.84), ...times(5, 0.91), 0.93, 0.93], GIVING_UP), `.${'!'.repeat(10)}.......!`)
})

t.test('each time it is given up it takes more, and never more than there can be', async (t) => {
  const level = new Level(GIVING_UP)
  let nowMs = 0
  const begins: number[] = []
  for (let figure = 0.8; figure <= 1; figure += 0.002) {
    for (let i = 0; i < 30; i++) {
      const before = level.isHigh
      level.observe(figure, nowMs += 1_000)
      if (!before && level.isHigh) begins.push(Math.round(figure * 100) / 100)
    }
  }
  t.same(begins.slice(0, 3), [0.8, 0.9, 0.95])
  t.ok(begins.length >= 5)
})

t.test('a figure that goes on falling is not given up', async (t) => {
  t.equal(judged(Array.from({ length: 25 }, (_, index) => 0.95 - 0.005 * index), GIVING_UP), `.${'!'.repeat(24)}`)
})

t.test('a fall that is too small for one is none', async (t) => {
  t.equal(judged(Array.from({ length: 13 }, (_, index) => 0.84 - 0.0005 * index), GIVING_UP), `.${'!'.repeat(10)}..`)
})

t.test('when the figure is well again, its first limit holds again', async (t) => {
  t.equal(judged([...times(12, 0.84), 0.69, 0.81, 0.81], GIVING_UP), `.${'!'.repeat(10)}...!`)
  t.equal(judged([...times(12, 0.84), 0.71, 0.81, 0.81], GIVING_UP), `.${'!'.repeat(10)}....`)
})
