/** What comes from a backend goes on as it comes; answers may begin before the request has ended. */
import { answer, answerInParts, answerTo, call, chunk, fieldValues, open, readAll, scenario, until } from '../helper.ts'

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
  for await (const part of response) {
    text += String(part)
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
    request.on('data', (part: Buffer) => { upload.received += String(part) })
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

for (const framing of ['content-length: 20000000', 'transfer-encoding: chunked']) {
  scenario(`an early answer reaches a client that goes on sending before it reads (${framing})`, async (s, t) => {
    const origin = await s.scripted('a', answer({ status: 413, body: 'too large' }), answer({ body: 'next' }))
    const gateway = await s.gateway([origin])
    const accepted = origin.accepted
    const client = await s.client(gateway)
    client.socket.pause()
    client.send(`POST / HTTP/1.1\r\nhost: x\r\n${framing}\r\n\r\n`)
    const part = framing.startsWith('content') ? 'x'.repeat(100_000) : chunk('x'.repeat(100_000))
    client.send(part)
    await gateway.logs.wait('request')
    // As much as no buffers hold: whoever closed the connection while this comes would have the answer lost to a reset.
    for (let i = 0; i < 150; i++) client.send(part)
    client.socket.resume()
    const { status, head, body } = await client.answer()
    t.equal(status, 413)
    t.equal(body.toString(), 'too large')
    t.same(fieldValues(head, 'connection'), ['close'])
    t.equal(await client.ended, 'fin')
    t.equal(gateway.inFlight, 0)
    t.equal((await call(gateway.url)).text, 'next')
    t.equal(origin.accepted - accepted, 2, 'the upstream connection was not used again')
  })
}

scenario('an early answer that is streamed comes whole, and the rest of the upload goes nowhere', async (s, t) => {
  const text = 'x'.repeat(500_000)
  const origin = await s.scripted('a', answerInParts((async function * () {
    yield text
    yield text
  })()))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n${'y'.repeat(100_000)}`)
  const { status, head, body } = await client.answer()
  t.equal(status, 200)
  t.same(fieldValues(head, 'connection'), ['close'])
  t.equal(body.toString(), text + text)
  client.send('y'.repeat(200_000))
  t.equal(await client.ended, 'fin')
  await until('its connection is closed', () => origin.connections === 0)
})

scenario('what a client sends behind its upload after an early answer is not taken for a request', async (s, t) => {
  const origin = await s.scripted('a', answer({ status: 413 }), answer({ body: 'never' }))
  const gateway = await s.gateway([origin])
  const client = await s.client(gateway)
  client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(100_000)}`)
  t.equal((await client.answer()).status, 413)
  client.send('x'.repeat(200_000))
  client.get('/another')
  t.equal(await client.ended, 'fin')
  t.equal(client.reader.unread.length, 0)
  t.equal(origin.requests.length, 1)
})
