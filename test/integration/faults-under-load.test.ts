/** Many requests at a time while one backend misbehaves: as long as another is there, no GET is lost and nothing is left. */
import type { Agent } from 'node:http'
import {
  answer, answerAndClose, type Behaviour, call, endInstead, type Gateway, type Scenario, scenario, type ScriptedOrigin, sendAndEnd, sendBytes
} from '../helper.ts'

/** All that can go wrong before an answer has begun, and good answers among it. */
const FAULTS: readonly Behaviour[] = [
  answer({ body: 'good' }),
  endInstead('fin'),
  answerAndClose({ body: 'good' }),
  endInstead('reset'),
  answer({ body: 'good', fields: ['connection: close'] }),
  sendAndEnd('HTTP/1.1 200 OK\r\nconte', 'reset'),
  sendBytes('rubbish\r\n\r\n'),
  sendAndEnd('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngoodbut what is this', 'fin')
]

const REQUESTS = 240

/** Nothing keeps requests from the bad one, and each may be tried again. */
const NO_MERCY = { EJECT_FAILURES: '0', RETRY_BUDGET_RATIO: '1' }

async function getAll (gateway: Gateway, agent: Agent): Promise<string[]> {
  return await Promise.all(Array.from({ length: REQUESTS }, async () => {
    const { status, text } = await call(gateway.url, { agent })
    return `${status} ${text}`
  }))
}

scenario('a backend that fails in every way loses no GET', async (s, t) => {
  const script = Array.from({ length: REQUESTS }, () => FAULTS).flat()
  const gateway = await s.gateway([await s.scripted('bad', ...script), await s.scripted('good')], { env: NO_MERCY })
  t.same(new Set(await getAll(gateway, s.agent(16))), new Set(['200 good']))
  const requests = gateway.app.pool.status().backends.map((backend) => backend.requests)
  t.ok(requests.every((count) => count >= REQUESTS / 2), `${requests.join()} attempts`)
})

scenario('a backend that is killed under load loses no GET, and is left alone after a few attempts', async (s, t) => {
  const doomed = await doomedAfter(s, 40)
  const gateway = await s.gateway([doomed, await s.scripted('good'), await s.scripted('good')])
  t.same(new Set(await getAll(gateway, s.agent(16))), new Set(['200 good']))
  const [first] = gateway.app.pool.status().backends
  t.match(first, { state: 'ejected', reason: /5 failures in a row/ })
  t.ok((first?.requests ?? 0) < REQUESTS / 3)
})

scenario('nor does it if nothing takes it out', async (s, t) => {
  const doomed = await doomedAfter(s, 40)
  const gateway = await s.gateway([doomed, await s.scripted('good'), await s.scripted('good')], { env: { EJECT_FAILURES: '0' } })
  t.same(new Set(await getAll(gateway, s.agent(16))), new Set(['200 good']))
  const [first, ...others] = gateway.app.pool.status().backends
  t.ok((first?.requests ?? 0) >= REQUESTS / 3, 'it was tried in its turn')
  t.ok(others.every(({ requests }) => requests > REQUESTS / 3), 'the others took what it could not serve')
})

/** A backend that answers so many requests and is gone then, port and all. */
async function doomedAfter (s: Scenario, answers: number): Promise<ScriptedOrigin> {
  let left = answers
  const doomed = await s.scripted('doomed', async (exchange) => {
    if (left-- > 0) return await answer({ body: 'good' })(exchange)
    await doomed.stop()
  })
  return doomed
}
