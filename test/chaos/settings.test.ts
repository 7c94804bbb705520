import fastify from 'fastify'
import t from 'tap'
import { FAULTS } from '../../chaos/faults/index.ts'
import { ADVICE, adviceFor, defaultOf, OPINIONS } from '../../chaos/settings.ts'
import config from '../../plugins/config.ts'

t.test('there is advice for every fault, and for no other', async (t) => {
  t.strictSame([...ADVICE.keys()].toSorted(), FAULTS.map(({ name }) => name).toSorted())
})

t.test('every key that is advised is explained, and no other', async (t) => {
  const advised = new Set([...ADVICE.values()].flatMap((values) => Object.keys(values)))
  t.strictSame(new Set(OPINIONS.map(({ key }) => key)), advised)
})

t.test('keys that a checkout does not have are left out, and named', async (t) => {
  t.strictSame(adviceFor('flapping', ['HEALTH_INTERVAL_MS', 'HEALTH_RISE']), {
    values: { HEALTH_INTERVAL_MS: '1000', HEALTH_RISE: '3' }, unknown: ['HEALTH_TIMEOUT_MS']
  })
})

t.test('for a fault without advice nothing is set', async (t) => {
  t.strictSame(adviceFor('sunshine'), { values: {}, unknown: [] })
})

for (const { name } of FAULTS) {
  t.test(`the gateway starts with what is advised against ${name}`, async (t) => {
    const app = fastify().register(config, { env: adviceFor(name).values })
    t.teardown(async () => await app.close())
    await t.resolves(async () => await app.ready())
  })
}

t.test('a default is that of the configuration', async (t) => {
  t.equal(defaultOf('HEALTH_RISE'), '1')
  t.equal(defaultOf('NO_SUCH_KEY'), undefined)
})
