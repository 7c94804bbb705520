import t from 'tap'
import { POLICIES } from '../../chaos/arguments.ts'
import { FAULTS } from '../../chaos/faults/index.ts'
import { PEERS as OTHER_GATEWAYS } from '../../chaos/gateways/peers.ts'
import { durationMs, programOf } from '../../chaos/program.ts'
import { madeFault, madePeer } from './made.ts'

const PEERS = [madePeer('nginx', '1.22'), madePeer('Caddy')]
const ADVICE = { values: { HEALTH_RISE: '3' }, unknown: [] }
const ALL = { policies: ['round-robin', 'random'], settings: ['defaults', 'advised'], peers: [] }

const names = ({ gateways }: ReturnType<typeof programOf>): string[] => gateways.map(({ name, settings }) => `${name}, ${settings}`)

t.test('every policy is played with the defaults, then with what is advised', async (t) => {
  t.strictSame(names(programOf(madeFault(), ALL, ADVICE)), ['round-robin, defaults', 'random, defaults', 'round-robin, advised', 'random, advised'])
})

t.test('settings that were not asked for are not played', async (t) => {
  t.strictSame(names(programOf(madeFault(), { ...ALL, settings: ['defaults'] }, ADVICE)), ['round-robin, defaults', 'random, defaults'])
  t.strictSame(names(programOf(madeFault(), { ...ALL, settings: ['advised'] }, ADVICE)), ['round-robin, advised', 'random, advised'])
})

t.test('keys that this checkout does not have are named, and the others are played', async (t) => {
  const program = programOf(madeFault(), ALL, { ...ADVICE, unknown: ['EJECT_MS'] })
  t.equal(program.gateways.length, 4)
  t.strictSame(program.notes, ['Left out of the advised settings, because this checkout does not have them: EJECT_MS.'])
})

t.test('without any key that this checkout has nothing is played as advised, and that is said', async (t) => {
  const advice = { values: {}, unknown: ['EJECT_MS', 'EJECT_FAILURES'] }
  const program = programOf(madeFault(), ALL, advice)
  t.strictSame(names(program), ['round-robin, defaults', 'random, defaults'])
  t.match(program.notes, [/^No plays .* EJECT_MS, EJECT_FAILURES\.$/])
  t.strictSame(programOf(madeFault(), { ...ALL, settings: ['defaults'] }, advice).notes, [])
})

t.test('other gateways come to some faults, and those that are not there are named', async (t) => {
  const program = programOf(madeFault(), { ...ALL, policies: [], peers: PEERS }, ADVICE)
  t.strictSame(names(program), ['nginx, usual'])
  t.strictSame(program.notes, ['Caddy is not on this machine.'])
  const other = programOf(madeFault({ name: 'slow' }), { ...ALL, policies: [], peers: PEERS }, ADVICE)
  t.strictSame(names(other), [])
  t.strictSame(other.notes, [])
})

t.test('a fault that cannot be played here is skipped with the reason', async (t) => {
  const { gateways, notes } = programOf(madeFault({ missing: () => 'needs root' }), ALL, ADVICE)
  t.strictSame(gateways, [])
  t.strictSame(notes, ['Skipped: needs root.'])
})

t.test('a whole run takes less than 45 minutes', async (t) => {
  const there = OTHER_GATEWAYS.map(({ name }) => madePeer(name, '1'))
  const programs = FAULTS.map(({ name }) => programOf(madeFault({ name }), { policies: POLICIES, settings: ['defaults', 'advised'], peers: there }, ADVICE))
  t.ok(durationMs(programs) < 45 * 60_000, `${durationMs(programs) / 60_000} minutes`)
})
