/** Several requests on a connection before the first answer: answered in order, each by a backend of its own. */
import { once } from 'node:events'
import { after, answer, answerInParts, chunk, fieldValues, never, parseObject, type RawAnswer, scenario, until, within } from '../helper.ts'

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

/** Status and code of an error that closes the connection. */
function refusal ({ status, head, body }: RawAnswer): string {
  return `${status} ${String(parseObject(body.toString())['code'])} ${fieldValues(head, 'connection').join()}`
}

const BAD: ReadonlyArray<readonly [what: string, bytes: string, refusal: string]> = [
  ['bytes that are no HTTP', 'rubbish\r\n\r\n', '400 FL_REQUEST_MALFORMED close'],
  ['a request that the parser refuses', 'GET /bad HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n', '400 FL_REQUEST_MALFORMED close'],
  ['a request that the gateway refuses', 'GET /bad HTTP/1.1\r\n\r\n', '400 FL_HOST_INVALID close'],
  ['an ambiguous path', requestText('GET', '/bad/..'), '400 FL_PATH_AMBIGUOUS close'],
  ['an unknown coding', 'POST /bad HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n', '501 FL_CODING_UNKNOWN close']
]

for (const [what, bytes, expected] of BAD) {
  scenario(`${what} behind good requests: those are answered first, what comes behind is not served`, async (s, t) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    const inParts = answerInParts((async function * () {
      yield 'slow '
      await mayAnswer
      yield 'and steady'
    })())
    const origins = [await s.scripted('slow', inParts), await s.scripted('fast', answer({ body: 'fast' }))]
    const gateway = await s.gateway(origins)
    const client = await s.client(gateway)
    client.send(requestText('GET', '/1') + requestText('GET', '/2') + bytes + requestText('GET', '/3'))
    await until('both have arrived', () => origins.every(({ requests }) => requests.length === 1))
    letAnswer()
    t.equal((await client.answer()).body.toString(), 'slow and steady')
    t.equal((await client.answer()).body.toString(), 'fast')
    t.equal(refusal(await client.answer()), expected)
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.length, 0)
    t.same(origins.map(({ requests }) => requests.map(({ target }) => target)), [['/1'], ['/2']])
  })
}

scenario('a bad chunk of the second request: the first answer comes, then the 400', async (s, t) => {
  let whole: Buffer | undefined
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const slow = await s.scripted('slow', after(mayAnswer, answer({ body: 'slow' })))
  const other = await s.scripted('other', async ({ request }) => { whole = await request.body() })
  const gateway = await s.gateway([slow, other])
  const client = await s.client(gateway)
  client.send(`${requestText('GET', '/1')}POST /2 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk('good')}`)
  await until('both have arrived', () => slow.requests.length === 1 && other.requests.length === 1)
  const refused = once(gateway.app.server, 'clientError')
  client.send('rubbish\r\n')
  await within('the parser refuses it', refused)
  t.equal(client.reader.received.length, 0)
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'slow')
  t.equal(refusal(await client.answer()), '400 FL_REQUEST_MALFORMED close')
  t.equal(await client.ended, 'fin')
  await until('its connection is closed', () => other.connections === 0)
  t.equal(whole, undefined)
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
