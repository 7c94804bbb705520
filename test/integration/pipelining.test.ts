/** Several requests on a connection before the first answer: carried out one after the other, and answered in their order. */
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import {
  after, afterBody, answer, answerInParts, type Behaviour, call, chunk, cutChunked, fieldValues, never, parseObject, type RawAnswer, scenario,
  type ScriptedOrigin, send, until, within
} from '../helper.ts'

function requestText (method: string, target: string, body = ''): string {
  return `${method} ${target} HTTP/1.1\r\nhost: x\r\n${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`
}

/** The targets of what has come to each of them. */
function targetsAt (origins: readonly ScriptedOrigin[]): string[][] {
  return origins.map(({ requests }) => requests.map(({ target }) => target))
}

scenario('a request goes to a backend when the one before it has been answered, not sooner', async (s, t) => {
  const { promise: mayBegin, resolve: letBegin } = Promise.withResolvers<void>()
  const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>()
  const put = after(mayBegin, answerInParts((async function * () {
    yield 'put'
    await mayEnd
    yield ' whole'
  })()))
  const origins = [await s.scripted('a', put, answer({ body: 'other' })), await s.scripted('b', answer({ body: 'other' }), answer({ body: 'deleted' }))]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send(requestText('PUT', '/first', 'body') + requestText('DELETE', '/second'))
  await until('the PUT has arrived', () => origins[0]?.requests.length === 1)
  // Whoever comes on another connection meanwhile does not wait.
  t.equal((await call(gateway.url, { path: '/other' })).text, 'other')
  t.same(targetsAt(origins), [['/first'], ['/other']])
  letBegin()
  await client.reader.upTo('put')
  t.equal((await call(gateway.url, { path: '/other' })).text, 'other')
  t.same(targetsAt(origins), [['/first', '/other'], ['/other']], 'half an answer is none')
  letEnd()
  await client.reader.upTo('\r\n0\r\n\r\n')
  t.equal((await client.answer()).body.toString(), 'deleted')
  t.same(targetsAt(origins), [['/first', '/other'], ['/other', '/second']])
})

scenario('answers come in the order of the requests, and one is in flight at a time', async (s, t) => {
  const inFlight: number[] = []
  const note: Behaviour = async (exchange) => {
    inFlight.push(gateway.inFlight)
    await answer({ body: exchange.request.target })(exchange)
  }
  const gateway = await s.gateway([await s.scripted('a', note), await s.scripted('b', note)])
  const client = await s.client(gateway)
  const targets = Array.from({ length: 10 }, (_, i) => `/${i}`)
  client.send(targets.map((target) => requestText('GET', target)).join(''))
  for (const target of targets) t.equal((await client.answer()).body.toString(), target)
  t.same(inFlight, targets.map(() => 1))
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

scenario('a large upload that has to wait is whole at its turn, and its time begins then', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const body = 'abcdefghijk'.repeat(200_000)
  const origin = await s.scripted('a', after(mayAnswer, answer({ body: 'slow' })), afterBody(answer({ body: 'got it' })))
  const gateway = await s.gateway([origin], { env: { CLIENT_BODY_TIMEOUT_MS: '150', CLIENT_SEND_TIMEOUT_MS: '150' } })
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('PUT', '/2', body))
  await until('the first has arrived', () => origin.requests.length === 1)
  // Longer than the deadlines, which is what this is about.
  await wait(400)
  letAnswer()
  t.equal((await client.answer()).body.toString(), 'slow')
  t.equal((await client.answer()).body.toString(), 'got it')
  t.equal((await origin.requests[1]?.body())?.equals(Buffer.from(body)), true)
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
    client.send(requestText('GET', '/1') + requestText('GET', '/2') + bytes + requestText('DELETE', '/3'))
    await until('the first has arrived', () => origins[0]?.requests.length === 1)
    letAnswer()
    t.equal((await client.answer()).body.toString(), 'slow and steady')
    t.equal((await client.answer()).body.toString(), 'fast')
    t.equal(refusal(await client.answer()), expected)
    t.equal(await client.ended, 'fin')
    t.equal(client.reader.unread.length, 0)
    t.same(targetsAt(origins), [['/1'], ['/2']])
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
  await until('the first has arrived', () => slow.requests.length === 1)
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

scenario('a client that leaves ends the request that is carried out; those that wait never were any', async (s, t) => {
  const origins = [await s.scripted('a', never), await s.scripted('b', never)]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('GET', '/2') + requestText('POST', '/3', 'body') + requestText('GET', '/4'))
  await until('the first is in flight', () => gateway.inFlight === 1)
  // What came in one go with it has been read by now.
  await until('it has arrived', () => origins[0]?.requests.length === 1)
  t.equal(gateway.inFlight, 1)
  await client.leave()
  await until('nothing is in flight', () => gateway.inFlight === 0)
  await until('no client is left', () => gateway.app.intake.size === 0)
  await until('their connections are closed', () => origins.every(({ connections }) => connections === 0))
  const gone = await gateway.logs.wait('client gone')
  t.same(gone.map(({ url, status }) => `${String(url)} ${String(status)}`), ['/1 499'])
  t.equal(gateway.logs.of('request').length, 0)
  t.same(targetsAt(origins), [['/1'], []])
})

scenario('a client that leaves within its first answer: the second never reaches a backend', async (s, t) => {
  const half: Behaviour = async ({ socket, reader }) => {
    await send(socket, Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsome'))
    await reader.ended
    socket.destroy()
  }
  const origins = [await s.scripted('slow', half), await s.scripted('fast', answer({ body: 'fast' }))]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('DELETE', '/2'))
  await client.reader.upTo('some')
  client.reset()
  await until('nothing is in flight', () => gateway.inFlight === 0)
  await until('no client is left', () => gateway.app.intake.size === 0)
  t.match(await gateway.logs.wait('client gone'), [{ url: '/1', status: 200 }])
  t.same(targetsAt(origins), [['/1'], []])
})

scenario('a backend that breaks its answer off: the connection ends, and what waits is not carried out', async (s, t) => {
  const { promise: mayBreak, resolve: letBreak } = Promise.withResolvers<void>()
  const origins = [await s.scripted('broken', cutChunked('some', 'fin', mayBreak)), await s.scripted('fast', answer({ body: 'fast' }))]
  const gateway = await s.gateway(origins)
  const client = await s.client(gateway)
  client.send(requestText('GET', '/1') + requestText('DELETE', '/2'))
  await client.reader.upTo('some\r\n')
  letBreak()
  await client.ended
  t.equal(client.reader.unread.length, 0)
  await until('no client is left', () => gateway.app.intake.size === 0)
  t.same(targetsAt(origins), [['/1'], []])
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
