import t from 'tap'
import { type Arguments, POLICIES, readArguments } from '../../chaos/arguments.ts'
import { FAULTS } from '../../chaos/faults/index.ts'
import { PEERS } from '../../chaos/gateways/peers.ts'
import { refusalOf } from '../kit/refusal.ts'

const read = (...args: string[]): Arguments => readArguments(args, () => 7)

/** What is said of arguments that are refused. */
function refusal (...args: string[]): string {
  return refusalOf(() => read(...args))
}

t.test('without arguments everything is played with a new seed, and written to docs/reliability.md', async (t) => {
  const { faults, policies, settings, peers, seed, out } = read()
  t.strictSame(faults, FAULTS)
  t.strictSame(policies, POLICIES)
  t.strictSame(settings, ['defaults', 'advised'])
  t.strictSame(peers, PEERS)
  t.equal(seed, 7)
  t.match(out, /docs\/reliability\.md$/)
})

t.test('faults, policies and settings are chosen by name, in the order of the page', async (t) => {
  const { faults, policies, settings } = read('--fault', 'stopped, killed', '--policy', 'random,round-robin', '--settings', 'defaults')
  t.strictSame(faults.map(({ name }) => name), ['killed', 'stopped'])
  t.strictSame(policies, ['round-robin', 'random'])
  t.strictSame(settings, ['defaults'])
})

t.test('other gateways stay out where our policies or settings are chosen, unless they are asked for', async (t) => {
  t.strictSame(read('--fault', 'killed').peers, PEERS)
  t.strictSame(read('--policy', 'random').peers, [])
  t.strictSame(read('--settings', 'defaults').peers, [])
  t.strictSame(read('--policy', 'random', '--peers', 'caddy').peers.map(({ name }) => name), ['Caddy'])
  t.strictSame(read('--peers', 'none').peers, [])
})

t.test('a part of the whole is printed only, unless it is told where to go', async (t) => {
  for (const part of [['--fault', 'killed'], ['--policy', 'random'], ['--settings', 'defaults'], ['--peers', 'none']]) {
    t.equal(read(...part).out, undefined, part.join(' '))
    t.equal(read(...part, '--out', 'page.md').out, 'page.md', part.join(' '))
  }
})

t.test('--no-write prints only', async (t) => {
  t.equal(read('--no-write').out, undefined)
})

t.test('a seed can be given', async (t) => {
  t.equal(read('--seed', '0').seed, 0)
  t.equal(read('--seed', '4294967295').seed, 4_294_967_295)
})

t.test('a seed that is no whole number of 32 bits is refused', async (t) => {
  for (const seed of ['x', '1.5', '4294967296', '']) t.match(refusal('--seed', seed), /whole number/, seed)
})

t.test('a name that is not there is refused with those that are', async (t) => {
  const message = refusal('--fault', 'killed,hanged')
  t.match(message, /"hanged" is not there/)
  for (const { name } of FAULTS) t.match(message, name)
  t.match(refusal('--policy', 'fastest'), /round-robin/)
  t.match(refusal('--settings', 'best'), /advised/)
  t.match(refusal('--peers', 'apache'), /haproxy/)
  t.match(refusal('--fault', ','), /names nothing/)
})

t.test('arguments that contradict each other, and unknown ones, are refused', async (t) => {
  t.match(refusal('--out', 'x', '--no-write'), /contradict/)
  t.match(refusal('--faults', 'killed'), /--faults/)
  t.match(refusal('killed'), /killed/)
})
