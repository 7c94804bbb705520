import t from 'tap'
import { KEPT_EVENTS, Timeline } from '../../src/observe/timeline.ts'

const told = (timeline: Timeline, subject = 'http://a'): string[] => timeline.of(subject).map(({ atMs, event, reason }) => `${atMs} ${event} ${reason}`)

t.test('a backend of which nothing was heard has no events', async (t) => {
  t.strictSame(told(new Timeline()), [])
})

t.test('each backend has events of its own, oldest first', async (t) => {
  const timeline = new Timeline()
  timeline.add('http://a', { atMs: 1, event: 'down', reason: 'x' })
  timeline.add('http://b', { atMs: 2, event: 'down', reason: 'y' })
  timeline.add('http://a', { atMs: 3, event: 'up', reason: 'z' })
  t.strictSame([told(timeline), told(timeline, 'http://b')], [['1 down x', '3 up z'], ['2 down y']])
})

t.test('what comes late stands where it belongs; of the same time what came first stands first', async (t) => {
  const timeline = new Timeline()
  for (const [atMs, event] of [[5, 'a'], [9, 'b'], [7, 'c'], [7, 'd'], [1, 'e']] as const) timeline.add('http://a', { atMs, event, reason: '' })
  t.strictSame(told(timeline), ['1 e ', '5 a ', '7 c ', '7 d ', '9 b '])
})

t.test('events that come after the clock was set back are the last ones, and are kept', async (t) => {
  const timeline = new Timeline()
  for (let i = 0; i < KEPT_EVENTS; i++) timeline.add('http://a', { atMs: 3_600_000 + i, event: 'x', reason: '' })
  for (const atMs of [5, 7, 6]) timeline.add('http://a', { atMs, event: 'y', reason: '' })
  t.strictSame([told(timeline).length, told(timeline).slice(-4)], [KEPT_EVENTS, [`${3_600_000 + KEPT_EVENTS - 1} x `, '5 y ', '6 y ', '7 y ']])
})

t.test('the last events are kept: the oldest make room, and one that is older than all of them is not taken', async (t) => {
  const timeline = new Timeline()
  for (let atMs = 1; atMs <= KEPT_EVENTS + 5; atMs++) timeline.add('http://a', { atMs, event: 'x', reason: '' })
  timeline.add('http://a', { atMs: 0, event: 'too old', reason: '' })
  const kept = timeline.of('http://a')
  t.strictSame([kept.length, kept[0]?.atMs, kept.at(-1)?.atMs], [KEPT_EVENTS, 6, KEPT_EVENTS + 5])
})
