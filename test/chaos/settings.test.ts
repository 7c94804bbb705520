import fastify from 'fastify'
import t from 'tap'
import { FAULTS } from '../../chaos/faults/index.ts'
import { ADVICE, adviceFor, defaultOf, OPINIONS } from '../../chaos/settings.ts'
import config from '../../plugins/config.ts'

t.test('advice is for faults that there are', async (t) => {
  const names = new Set(FAULTS.map(({ name }) => name))
  t.strictSame([...ADVICE.keys()].filter((name) => !names.has(name)), [])
})

t.test('every key that is advised is explained, and every key that is explained is there', async (t) => {
  const explained = OPINIONS.map(({ key }) => key)
  const advised = [...ADVICE.values()].flatMap((values) => Object.keys(values))
  t.strictSame(advised.filter((key) => !explained.includes(key)), [])
  t.strictSame(explained.filter((key) => defaultOf(key) === undefined), [])
})

t.test('keys that a checkout does not have are left out, and named', async (t) => {
  t.strictSame(adviceFor('flapping', ['HEALTH_RISE']), {
    values: { HEALTH_RISE: '3' }, unknown: ['HEALTH_INTERVAL_MS']
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
