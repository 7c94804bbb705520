import t from 'tap'
import { targetTable, verdict } from '../../bench/report/targets.ts'
import { ONE_WORKER, TWO_PROCESSES, TWO_WORKERS } from '../../bench/scenarios/workers.ts'
import { madeResult } from './made-result.ts'

function line (text: string, part: string): string {
  return text.split('\n').find((one) => one.includes(part)) ?? ''
}

t.test('a lower bound is met from the number on, an upper bound up to it', async (t) => {
  const of = (median: number): { median: number, low: number, high: number } => ({ median, low: 0, high: 0 })
  t.equal(verdict(of(2), 2, false), 'met')
  t.equal(verdict(of(1.99), 2, false), 'not met')
  t.equal(verdict(of(2), 2, true), 'met')
  t.equal(verdict(of(2.01), 2, true), 'not met')
  t.equal(verdict(undefined, 2, true), '-')
})

t.test('a target is judged by the median of the ratios', async (t) => {
  const text = targetTable([madeResult({ rates: { Fastlancer: [50, 50, 10], nginx: [100, 100, 100] } })])
  t.match(line(text, '| nginx, requests/s'), '| 0.48 | 0.6 | 0.50 (0.30 to 0.50) | met | not met |')
})

t.test('what was not measured says so', async (t) => {
  const text = targetTable([])
  t.match(line(text, 'an idle connection'), '| at most 20 KiB | at most 10 KiB | not measured | - | - |')
  const rows = text.split('\n').slice(2)
  t.ok(rows.length > 5 && rows.every((row) => row.endsWith('| not measured | - | - |')))
})

t.test('of the other Node gateways the best one of the run counts, and is named', async (t) => {
  const text = targetTable([madeResult({ rates: { Fastlancer: [60, 60], 'http-proxy-3': [10, 10], httpxy: [30, 30], 'fast-gateway': [20, 20] } })])
  t.match(line(text, 'best other Node gateway'), /\(httpxy\) \| 1\.7 \| 2\.3 \| 2\.00 /)
})

t.test('two workers are judged against one, and against two processes', async (t) => {
  const rates = { [ONE_WORKER]: [200, 200], [TWO_PROCESSES]: [100, 100], [TWO_WORKERS]: [110, 110] }
  const text = targetTable([madeResult({ name: 'workers', metric: 'cpu', rates })])
  t.match(line(text, 'two workers against one with half'), '| at most 1.05 | at most 1 | 0.55 (0.55 to 0.55) | met | met |')
  t.match(line(text, 'two workers against two processes'), '| at most 1.05 | at most 1 | 1.10 (1.10 to 1.10) | not met | not met |')
})
