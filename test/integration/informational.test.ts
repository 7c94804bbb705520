/** Interim answers (1xx) of a backend go on to the client before the answer, if it can take them. */
import { type Behaviour, call, type Gateway, hasField, parseObject, type RawClient, scenario, type Scenario, send, sendAndEnd, sendBytes, valuesOf } from '../helper.ts'

const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal'

/** Sends interim answers, each when the one before has been seen, and then the answer. */
function stepwise (interim: readonly string[], seen: ReadonlyArray<PromiseWithResolvers<void>>): Behaviour {
  return async ({ socket }) => {
    for (const [index, bytes] of interim.entries()) {
      await send(socket, Buffer.from(bytes, 'latin1'))
      await seen[index]?.promise
    }
    await send(socket, Buffer.from(FINAL))
  }
}

async function asked (s: Scenario, gateway: Gateway, fields: readonly string[] = []): Promise<RawClient> {
  const client = await s.client(gateway)
  client.get('/', fields)
  return client
}

scenario('interim answers reach the client one by one, as soon as they come, fields and all', async (s, t) => {
  const interim = [
    'HTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\nx-latin: caf\xe9\r\n\r\n',
    'HTTP/1.1 103 What Comes Now\r\n\r\n'
  ]
  const seen = interim.map(() => Promise.withResolvers<void>())
  const gateway = await s.gateway([await s.scripted('a', stepwise(interim, seen))])
  const client = await asked(s, gateway)
  const heads = []
  for (const one of seen) {
    heads.push(await client.head())
    one.resolve()
  }
  t.same(heads.map(({ startLine }) => startLine), ['HTTP/1.1 102 Processing', 'HTTP/1.1 103 Early Hints', 'HTTP/1.1 103 Early Hints'])
  t.same(heads.map(({ fields }) => fields), [[], [['link', '</a.css>; rel=preload'], ['link', '</b.js>; rel=preload'], ['x-latin', 'caf\xe9']], []])
  t.equal((await client.answer()).body.toString(), 'real')
  client.get('/')
  t.equal((await client.answer()).status, 102, 'the connection goes on')
})

scenario('fields of one hop are no part of an interim answer that is relayed', async (s, t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nConnection: x-private, close\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\nLink: </a>\r\n\r\n'
  const gateway = await s.gateway([await s.scripted('a', sendBytes(early + FINAL))])
  const client = await asked(s, gateway)
  t.same((await client.head()).fields, [['link', '</a>']])
  t.equal((await client.answer()).body.toString(), 'real')
})

scenario('a 100 is for those who asked for it', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes(`HTTP/1.1 100 Continue\r\n\r\n${FINAL}`))])
  const client = await asked(s, gateway)
  t.equal((await client.answer()).body.toString(), 'real')
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody')
  t.equal((await client.answer()).body.toString(), 'real')
})

scenario('a client of HTTP/1.0 sees none', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${FINAL}`))])
  const client = await s.client(gateway)
  client.send('GET / HTTP/1.0\r\n\r\n')
  const { head, body } = await client.answer()
  t.match(head.startLine, /^HTTP\/1\.1 200 /)
  t.equal(hasField(head, 'link'), false)
  t.equal(body.toString(), 'real')
  t.equal(await client.ended, 'fin')
})

scenario('interim answers do not get between the parts of another answer of the connection: each request has its turn', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const slow = await s.scripted('slow', async (exchange) => {
    await send(exchange.socket, Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf'))
    await mayAnswer
    await send(exchange.socket, Buffer.from('half'))
  })
  const early = await s.scripted('early', sendBytes(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${FINAL}`))
  const gateway = await s.gateway([slow, early])
  const client = await s.client(gateway)
  client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.reader.upTo('half')
  t.equal(early.requests.length, 0)
  letAnswer()
  await client.reader.upTo('half')
  const hints = await client.answer()
  t.same([hints.status, valuesOf(hints, 'link')], [103, ['</a>']])
  t.equal((await client.answer()).body.toString(), 'real')
})

scenario('an answer that never comes behind an interim one is an error all the same', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendAndEnd('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'fin'))])
  const client = await asked(s, gateway)
  t.equal((await client.answer()).status, 103)
  const { status, body } = await client.answer()
  t.equal(`${status} ${String(parseObject(body.toString())['code'])}`, '502 FL_UPSTREAM_RESET')
})

scenario('interim answers of a backend that fails do not keep the next one from being tried', async (s, t) => {
  const failing = await s.scripted('bad', sendAndEnd('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'fin'))
  const gateway = await s.gateway([failing, await s.scripted('b')])
  const client = await asked(s, gateway)
  t.equal((await client.answer()).status, 103)
  t.equal((await client.answer()).body.toString(), 'b')
})

scenario('interim answers without end are no answer', async (s, t) => {
  const gateway = await s.gateway([await s.scripted('a', sendBytes('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)))])
  const { status, text } = await call(gateway.url)
  t.equal(`${status} ${String(parseObject(text)['code'])}`, '502 FL_UPSTREAM_BAD_RESPONSE')
})

scenario('a hook sees one answer', async (s, t) => {
  let answers = 0
  const gateway = await s.gateway([await s.scripted('a', sendBytes(`HTTP/1.1 103 Early Hints\r\n\r\n${FINAL}`))], {
    extend: (app) => { app.addHook('onSend', async () => { answers++ }) }
  })
  t.equal((await call(gateway.url)).text, 'real')
  t.equal(answers, 1)
})
