import t from 'tap'
import { BACKENDS } from '../../chaos/backends/field.ts'
import { isServerFault, SERVER_FAULTS } from '../../chaos/backends/server-fault.ts'
import { FAULTS, FAULTS_OF_PEERS } from '../../chaos/faults/index.ts'

for (const { name, steps, victims } of FAULTS) {
  t.test(`${name} begins at 2 s, ends at 6 s, and its steps come in their order`, async (t) => {
    const times = steps.map(({ atMs }) => atMs)
    t.equal(times[0], 0)
    t.equal(times.at(-1), 4_000)
    t.strictSame(times, times.toSorted((a, b) => a - b))
  })

  t.test(`${name} befalls backends that there are, and not all of them`, async (t) => {
    t.ok(victims.every((victim) => BACKENDS.includes(victim)))
    t.ok(victims.length > 0 && victims.length < BACKENDS.length)
  })
}

t.test('every fault has a name of its own, and other gateways come to some of them', async (t) => {
  t.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length)
  t.ok(FAULTS_OF_PEERS.every((fault) => FAULTS.includes(fault)))
})

t.test('a server plays the faults that it knows, and no other', async (t) => {
  t.ok(SERVER_FAULTS.every(isServerFault))
  t.notOk(isServerFault('killed'))
})
