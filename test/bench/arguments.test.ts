import t from 'tap'
import { readArguments } from '../../bench/arguments.ts'
import { PEERS, shortName } from '../../bench/peers/index.ts'
import { SCENARIOS } from '../../bench/scenarios/index.ts'
import { refusalOf } from '../kit/refusal.ts'

/** What is said of arguments that are refused. */
function refusal (...args: string[]): string {
  return refusalOf(() => readArguments(args))
}

t.test('without arguments everything is measured, and written to docs/benchmarks', async (t) => {
  const { peers, scenarios, load, out } = readArguments([])
  t.strictSame(peers, PEERS)
  t.strictSame(scenarios, SCENARIOS)
  t.strictSame(load, { rounds: 10, seconds: 1, warmUpSeconds: 5, connections: undefined })
  t.match(out, /docs\/benchmarks$/)
})

t.test('peers and scenarios are chosen by name, in the order of the report', async (t) => {
  const { peers, scenarios } = readArguments(['--peers', 'caddy, nginx', '--scenario', 'small'])
  t.strictSame(peers.map(shortName), ['nginx', 'caddy'])
  t.strictSame(scenarios.map(({ name }) => name), ['small'])
})

t.test('a part of the whole is printed only, unless it is told where to go', async (t) => {
  t.equal(readArguments(['--peers', 'nginx']).out, undefined)
  t.equal(readArguments(['--scenario', 'small']).out, undefined)
  t.equal(readArguments(['--scenario', 'small', '--out', 'somewhere']).out, 'somewhere')
})

t.test('--no-write prints only', async (t) => {
  t.equal(readArguments(['--no-write']).out, undefined)
})

t.test('the load can be set', async (t) => {
  const { load } = readArguments(['--rounds', '3', '--seconds', '0.3', '--warm-up', '1', '--connections', '8'])
  t.strictSame(load, { rounds: 3, seconds: 0.3, warmUpSeconds: 1, connections: 8 })
})

t.test('a name that is not there is refused with those that are', async (t) => {
  const message = refusal('--peers', 'nginx,apache')
  t.match(message, /"apache"/)
  for (const peer of PEERS) t.match(message, shortName(peer))
  t.match(refusal('--scenario', 'smal'), /"smal" is not there; there are .*small, /)
})

t.test('a list that names nothing is refused', async (t) => {
  t.match(refusal('--peers', ','), /names nothing/)
})

t.test('numbers have to be numbers above 0, and whole where parts make no sense', async (t) => {
  for (const args of [['--rounds', '0'], ['--rounds', '1.5'], ['--rounds', 'ten'], ['--seconds', '-1'], ['--seconds', '0'], ['--connections', '1.5'], ['--warm-up', 'x']]) {
    t.match(refusal(...args.slice(0, 1), `${args[1]}`), /above 0|argument/, args.join(' '))
  }
})

t.test('arguments that contradict each other, and unknown ones, are refused', async (t) => {
  t.match(refusal('--out', 'x', '--no-write'), /contradict/)
  t.match(refusal('--round', '3'), /--round/)
  t.match(refusal('3'), /3/)
})

t.test('every peer and every scenario has a name of its own', async (t) => {
  t.equal(new Set(PEERS.map(shortName)).size, PEERS.length)
  t.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length)
})
