/** What comes from a backend goes on as it comes; answers may begin before the request has ended. */
import { once } from 'node:events'
import { afterBody, answer, answerInParts, answerTo, call, open, readAll, scenario, sendBytes, until } from '../helper.ts'

scenario('server-sent events arrive one by one', async (s, t) => {
  const seen: Array<PromiseWithResolvers<void>> = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  /** Each event is sent only when the one before has been seen: one that is held back would stop it all. */
  async function * events (): AsyncGenerator<string> {
    for (const [index, one] of seen.entries()) {
      yield `data: ${index}\n\n`
      await one.promise
    }
  }
  const gateway = await s.gateway([await s.scripted('a', answerInParts(events(), ['content-type: text/event-stream']))])
  const response = await answerTo(open(gateway.url).end())
  t.equal(response.headers['content-type'], 'text/event-stream')
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    for (const [index, one] of seen.entries()) if (text.includes(`data: ${index}\n\n`)) one.resolve()
  }
  t.equal(text, 'data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n')
})

for (const fields of ['content-length: 4', 'transfer-encoding: chunked']) {
  scenario(`the head goes on before the first byte of the body (${fields})`, async (s, t) => {
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>()
    const origin = await s.scripted('a', async ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-early: yes\r\n${fields}\r\n\r\n`)
      await mayGoOn
      socket.write(fields.startsWith('content') ? 'body' : '4\r\nbody\r\n0\r\n\r\n')
    })
    const gateway = await s.gateway([origin])
    const response = await answerTo(open(gateway.url).end())
    t.equal(response.headers['x-early'], 'yes')
    goOn()
    t.equal(String(await readAll(response)), 'body')
  })
}

scenario('an upload goes on as it comes', async (s, t) => {
  const upload = { received: '' }
  const origin = await s.origin('a', (request, response) => {
    request.on('data', (chunk: Buffer) => { upload.received += String(chunk) })
    request.on('end', () => response.end('done'))
  })
  const gateway = await s.gateway([origin])
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  for (const part of ['one', 'two', 'three']) {
    sent.write(part)
    await until(`"${part}" has arrived`, () => upload.received.endsWith(part))
  }
  sent.end()
  t.equal(String(await readAll(await answerTo(sent))), 'done')
})

scenario('an answer that comes before the upload has ended reaches the client at once', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 413, body: 'too large' }), afterBody(answer()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n')
  client.send('x'.repeat(100_000))
  const { status, body } = await client.answer()
  t.equal(status, 413)
  t.equal(body.toString(), 'too large')
  await until('the attempt is over', () => gateway.inFlight === 0)
})

scenario('after an early answer the client may finish its upload and use the connection on, unless it was closed', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 413, body: 'too large' }), afterBody(answer({ body: 'next' })))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n')
  client.send('x'.repeat(100_000))
  const { status, head } = await client.answer()
  t.equal(status, 413)
  client.send('x'.repeat(200_000))
  if (/^connection: close/im.test(head.raw)) {
    t.equal(await client.ended, 'fin')
  } else {
    client.get('/next')
    t.equal((await client.answer()).body.toString(), 'next')
  }
  t.equal((await call(gateway.url)).text, 'next')
})

scenario('a client that asks first (Expect: 100-continue) is told to go on', async (s, t) => {
  const origin = await s.scripted('a', afterBody(answer({ body: 'got it' })))
  const gateway = await s.gateway([origin])
  const sent = open(gateway.url, { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.end('body')
  t.equal(String(await readAll(await answerTo(sent))), 'got it')
  t.equal(String(await origin.requests[0]?.body()), 'body')
  t.equal(/^expect:/im.test(origin.requests[0]?.head.raw ?? ''), false)
})

for (const interim of ['102 Processing', '103 Early Hints']) {
  scenario(`an interim answer of a backend (${interim}) is no answer`, async (s, t) => {
    const origin = await s.scripted('a', sendBytes(`HTTP/1.1 ${interim}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal`))
    const gateway = await s.gateway([origin])
    t.equal((await call(gateway.url)).text, 'real')
  })
}

scenario('a 100 Continue that nobody asked for counts as a broken answer: undici ends the connection there', async (s, t) => {
  const origin = await s.scripted('a', sendBytes('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal'))
  const gateway = await s.gateway([origin])
  const { status, text } = await call(gateway.url)
  t.equal(status, 502)
  t.match(text, /FL_UPSTREAM_BAD_RESPONSE/)
})
