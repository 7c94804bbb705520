/** Upstream connections that are kept: used again while they can be, and no danger when the backend closes them. */
import { afterBody, answer, answerAndClose, call, endInstead, type Ending, scenario, sendBytes } from '../helper.ts'

for (const ending of ['fin', 'reset'] satisfies Ending[]) {
  scenario(`a kept connection that the backend closes (${ending}) as a GET arrives is nothing that the client sees`, async (s, t) => {
    const origin = await s.scripted('a', answer({ body: '1' }), endInstead(ending), answer({ body: '2' }))
    const gateway = await s.gateway([origin])
    t.equal((await call(gateway.url)).text, '1')
    t.equal((await call(gateway.url)).text, '2')
    t.equal(origin.requests.length, 3)
    t.match(gateway.app.pool.status().backends, [{ failures: 0 }])
    t.match(gateway.logs.of('proxy error'), [{ retry: 'same-backend' }])
  })
}

scenario('a backend that closes the new connection too is given up for another one', async (s, t) => {
  const [a, b] = [await s.scripted('a', answer({ body: 'a' }), endInstead('fin')), await s.scripted('b')]
  const gateway = await s.gateway([a, b])
  t.equal((await call(gateway.url)).text, 'a')
  t.equal((await call(gateway.url)).text, 'b')
  t.equal((await call(gateway.url)).text, 'b')
  t.equal(a.requests.length, 3)
  t.match(gateway.app.pool.status().backends, [{ failures: 1 }, { failures: 0 }])
})

for (const method of ['GET', 'POST']) {
  scenario(`a backend that closes after each answer without a word loses no ${method}`, async (s, t) => {
    const origin = await s.scripted('a', answerAndClose({ body: 'a' }))
    const gateway = await s.gateway([origin])
    const agent = s.agent()
    for (let i = 0; i < 30; i++) t.equal((await call(gateway.url, { method, agent })).text, 'a')
    t.equal(origin.requests.length, 30)
  })
}

scenario('a pipelined POST finds no connection that the backend has closed with its last answer', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answerAndClose({ body: 'a' })))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n1'.repeat(20))
  for (let i = 0; i < 20; i++) t.equal((await client.answer()).status, 200)
})

scenario('a kept connection is used again', async (s, t) => {
  const origin = await s.scripted('a')
  const gateway = await s.gateway([origin])
  const probes = origin.accepted
  for (let i = 0; i < 10; i++) await call(gateway.url, { method: i % 2 === 0 ? 'GET' : 'POST' })
  t.equal(origin.accepted - probes, 1)
})

scenario('no connection is used again that the backend has announced to close', async (s, t) => {
  const origin = await s.scripted('a', answer({ fields: ['connection: close'] }))
  const gateway = await s.gateway([origin])
  const probes = origin.accepted
  for (let i = 0; i < 3; i++) t.equal((await call(gateway.url, { method: 'POST' })).status, 200)
  t.equal(origin.accepted - probes, 3)
})

scenario('more bytes than the announced length belong to nobody', async (s, t) => {
  const origin = await s.scripted('a', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'), answer({ body: 'good' }))
  const gateway = await s.gateway([origin])
  const agent = s.agent()
  t.equal((await call(gateway.url, { agent })).text, 'ok')
  t.equal((await call(gateway.url, { agent })).text, 'good')
  t.equal((await call(gateway.url, { agent, method: 'POST' })).text, 'good')
})
