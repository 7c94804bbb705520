import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { Site } from '../../bench/site.ts'

/** Where Linux begins to take ports for the near end of connections. */
const FIRST_OF_CONNECTIONS = 32_768

t.test('ports are free, each is given once, and no connection takes one before it is used', async (t) => {
  const site = new Site()
  const first = await site.newPort()
  // What is in use is passed over, whoever has it.
  const server = createServer().listen(first + 1, '0.0.0.0')
  await once(server, 'listening').catch(() => {})
  t.teardown(() => server.close())
  const ports = [first, ...await Promise.all(Array.from({ length: 20 }, () => site.newPort()))]
  t.equal(new Set(ports).size, ports.length)
  t.notOk(ports.includes(first + 1))
  t.ok(ports.every((port) => port < FIRST_OF_CONNECTIONS && port > 1_024), ports.join(', '))
})
