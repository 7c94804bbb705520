/** Several requests on a connection before the first answer: answered in order, each by a backend of its own. */
import { after, answer, never, scenario, until } from '../helper.ts'

function requestText (method: string, target: string, body = ''): string {
  return `${method} ${target} HTTP/1.1\r\nhost: x\r\n${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`
}

scenario('answers come in the order of the requests, not of the backends', async (s, t) => {
  const { promise: lastWasServed, resolve } = Promise.withResolvers<void>()
  const slow = await s.scripted('slow', after(lastWasServed, answer({ body: 'slow' })))
  const fast = await s.scripted('fast', async (exchange) => {
    await answer({ body: 'fast' })(exchange)
    resolve()
  })
  const gateway = await s.gateway([slow, fast])
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('GET', '/2'))
  t.equal((await client.answer()).body.toString(), 'slow')
  t.equal((await client.answer()).body.toString(), 'fast')
})

scenario('methods and bodies of pipelined requests are kept apart', async (s, t) => {
  const origin = await s.scripted('a', async (exchange) => {
    const { request } = exchange
    await answer({ body: `${request.method} ${request.target} ${String(await request.body())}` })(exchange)
  })
  const gateway = await s.gateway([origin, await s.scripted('b', ...origin.script)])
  const client = await s.client(gateway)
  client.send(requestText('POST', '/1', 'first') + requestText('GET', '/2') + requestText('PUT', '/3', 'third') + requestText('HEAD', '/4') + requestText('DELETE', '/5'))
  t.equal((await client.answer()).body.toString(), 'POST /1 first')
  t.equal((await client.answer()).body.toString(), 'GET /2 ')
  t.equal((await client.answer()).body.toString(), 'PUT /3 third')
  t.equal((await client.answer('HEAD')).status, 200)
  t.equal((await client.answer()).body.toString(), 'DELETE /5 ')
})

scenario('a client that leaves ends all of its pipelined requests', async (s, t) => {
  const origins = [await s.scripted('a', never), await s.scripted('b', never)]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('GET', '/2') + requestText('POST', '/3', 'body') + requestText('GET', '/4'))
  await until('all are in flight', () => gateway.inFlight === 4)
  await client.leave()
  await until('nothing is in flight', () => gateway.inFlight === 0)
  await until('their connections are closed', () => origins.every(({ connections }) => connections === 0))
  const gone = await gateway.logs.wait('client gone', 4)
  t.same(new Set(gone.map(({ url, status }) => `${String(url)} ${String(status)}`)), new Set(['/1 499', '/2 499', '/3 499', '/4 499']))
  t.equal(gateway.logs.of('request').length, 0)
})

scenario('a client that leaves while the second of its answers waits for the first ends both', async (s, t) => {
  const [slow, fast] = [await s.scripted('slow', never), await s.scripted('fast', answer({ body: 'fast' }))]
  const gateway = await s.gateway([slow, fast])
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('GET', '/2'))
  await until('both have arrived', () => slow.requests.length === 1 && fast.requests.length === 1)
  await client.leave()
  await until('nothing is in flight', () => gateway.inFlight === 0)
  const gone = await gateway.logs.wait('client gone', 2)
  t.same(new Set(gone.map(({ url }) => url)), new Set(['/1', '/2']))
})

scenario('many pipelined requests are answered, without a warning of the process', async (s, t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', onWarning)
  s.atEnd(() => process.off('warning', onWarning))
  const gateway = await s.gateway([await s.scripted('a'), await s.scripted('b')])
  const client = await s.client(gateway)
  client.send(requestText('GET', '/').repeat(40))
  for (let i = 0; i < 40; i++) t.match((await client.answer()).body.toString(), /^[ab]$/)
  t.same(warnings.map(({ message }) => message), [])
})
