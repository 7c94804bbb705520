import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import * as http2 from 'node:http2'
import t, { type Test } from 'tap'
import { addTrailers, cutResponse, endWithHead, grouped, http2Stream, isGone, takesTrailers, writeInformation } from '../../src/client/client-response.ts'
import { portOf, RawClient, readAll, until, within } from '../helper.ts'

/** A client of HTTP/1 on a connection of its own, before a server that serves like this. */
async function http1Client (t: Test, serve: RequestListener): Promise<RawClient> {
  const server = createServer(serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await RawClient.connect(portOf(server))
  t.teardown(async () => {
    await client.leave()
    server.close()
  })
  return client
}

/** An answer in HTTP/2, as the client gets it. */
interface Http2Answer {
  readonly information: http2.IncomingHttpHeaders[]
  readonly head: http2.IncomingHttpHeaders
  /** Whether the head was the last frame. */
  readonly endsWithHead: boolean
  readonly body: string
  readonly trailers: http2.IncomingHttpHeaders | undefined
  /** The code of the stream's reset; 0 for a good end. */
  readonly resetCode: number
}

/** Sends a request of HTTP/2, served in the same way as those of HTTP/1. */
async function http2Call (t: Test, serve: RequestListener, method = 'GET'): Promise<Http2Answer> {
  const http1 = createServer(serve)
  const server = http2.createServer((request, response) => http1.emit('request', request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = http2.connect(`http://127.0.0.1:${portOf(server)}`)
  t.teardown(() => {
    session.destroy()
    server.close()
  })
  const stream = session.request({ ':path': '/', ':method': method })
  stream.on('error', () => {})
  const information: http2.IncomingHttpHeaders[] = []
  let head: http2.IncomingHttpHeaders = {}
  let trailers: http2.IncomingHttpHeaders | undefined
  let endsWithHead = false
  stream.on('headers', (headers) => information.push(headers))
  stream.on('response', (headers, flags) => {
    head = headers
    endsWithHead = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
  })
  stream.on('trailers', (headers) => { trailers = headers })
  const closed = new Promise((resolve) => { stream.once('close', resolve) })
  const body = await readAll(stream).then(String, () => 'broken')
  await within('the stream closes', closed)
  return { information, head, endsWithHead, body, trailers, resetCode: stream.rstCode }
}

t.test('the stream of a response of HTTP/2 is known, and one of HTTP/1 has none', async (t) => {
  const streams: unknown[] = []
  const serve: RequestListener = (_request, response) => {
    streams.push(http2Stream(response)?.id)
    response.end()
  }
  const client = await http1Client(t, serve)
  client.get('/')
  await client.answer()
  await http2Call(t, serve)
  t.strictSame(streams, [undefined, 1])
})

const informing: RequestListener = (_request, response) => {
  writeInformation(response, 103, ['link', '</a>', 'x-latin', 'caf\xe9', 'link', '</b>'])
  writeInformation(response, 199, [])
  response.end('body')
  writeInformation(response, 103, ['x-late', '1'])
}

t.test('provisional answers go out at once, before the answer, byte for byte', async (t) => {
  const client = await http1Client(t, informing)
  client.get('/')
  const [first, second] = [await client.head(), await client.head()]
  t.equal(first.raw, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-latin: caf\xe9\r\nlink: </b>\r\n\r\n')
  t.equal(second.raw, 'HTTP/1.1 199 \r\n\r\n')
  t.equal((await client.answer()).body.toString(), 'body')
  client.get('/')
  t.equal((await client.head()).raw, first.raw, 'nothing came behind the answer')
})

t.test('provisional answers go out in HTTP/2 too', async (t) => {
  const { information, body } = await http2Call(t, informing)
  t.match(information, [{ ':status': 103, link: '</a>, </b>' }, { ':status': 199 }])
  t.equal(information.length, 2)
  t.equal(body, 'body')
})

t.test('a client of HTTP/1.0 gets no provisional answer', async (t) => {
  const client = await http1Client(t, (_request, response) => {
    writeInformation(response, 100, [])
    writeInformation(response, 103, [])
    response.end('body')
  })
  client.send('GET / HTTP/1.0\r\n\r\n')
  t.match((await client.head()).startLine, /200 OK$/)
})

t.test('a request that is not at its turn has no provisional answer, but its 100', async (t) => {
  const held: ServerResponse[] = []
  const client = await http1Client(t, (request, response) => {
    request.resume()
    if (request.url === '/2') {
      writeInformation(response, 103, ['link', '</a>'])
      writeInformation(response, 100, [])
    }
    held.push(response)
  })
  client.get('/1')
  client.get('/2')
  await until('both are there', () => held.length === 2)
  held[1]?.end('second')
  held[0]?.end('first')
  t.equal((await client.answer()).body.toString(), 'first')
  t.equal((await client.answer()).status, 100)
  t.equal((await client.answer()).body.toString(), 'second')
})

t.test('a client that has left is told nothing, and nothing breaks', async (t) => {
  let isDone = false
  const client = await http1Client(t, (_request, response) => {
    response.once('close', () => {
      t.ok(isGone(response))
      writeInformation(response, 100, [])
      writeInformation(response, 103, [])
      isDone = true
    })
    t.notOk(isGone(response))
    client.reset()
  })
  client.get('/')
  await until('it has been told', () => isDone)
})

t.test('whether trailers can follow depends on version and method', async (t) => {
  const seen: boolean[] = []
  const serve: RequestListener = (_request, response) => {
    seen.push(takesTrailers(response))
    response.end()
  }
  for (const request of ['GET / HTTP/1.1', 'HEAD / HTTP/1.1', 'GET / HTTP/1.0']) {
    const client = await http1Client(t, serve)
    client.send(`${request}\r\nhost: a\r\n\r\n`)
    await client.head()
  }
  await http2Call(t, serve)
  t.same(seen, [true, false, false, true])
})

const withTrailers: RequestListener = (_request, response) => {
  response.write('body')
  addTrailers(response, ['x-sum', '1', 'x-other', 'caf\xe9', 'x-sum', '2'])
  response.end()
}

t.test('trailers follow the body', async (t) => {
  const client = await http1Client(t, withTrailers)
  client.get('/')
  const bytes = await client.reader.upTo('\r\n\r\n').then(() => client.reader.upTo('\r\n\r\n'))
  t.equal(bytes.toString('latin1'), '4\r\nbody\r\n0\r\nx-sum: 1\r\nx-other: caf\xe9\r\nx-sum: 2\r\n\r\n')
})

t.test('trailers follow the body in HTTP/2 too', async (t) => {
  const { body, trailers } = await http2Call(t, withTrailers)
  t.equal(body, 'body')
  t.match(trailers, { 'x-sum': '1, 2' })
})

const cutting: RequestListener = (_request, response) => {
  response.write('part', () => cutResponse(response))
}

t.test('an answer that is cut looks whole to nobody', async (t) => {
  const client = await http1Client(t, cutting)
  client.get('/')
  await client.reader.upTo('part')
  await client.ended
  t.equal(client.reader.received.includes('\r\n0\r\n'), false, 'no last chunk')

  const old = await http1Client(t, cutting)
  old.send('GET / HTTP/1.0\r\n\r\n')
  t.equal(await old.ended, 'reset')

  const { resetCode, head } = await http2Call(t, cutting)
  t.match(head, { ':status': 200 })
  t.equal(resetCode, http2.constants.NGHTTP2_INTERNAL_ERROR)
})

t.test('an answer without a body ends with its head, when that is asked for', async (t) => {
  const ending: RequestListener = (_request, response) => {
    endWithHead(response)
    response.setHeader('x-first', '1')
    response.writeHead(418, { 'grpc-status': '0', 'x-list': ['a', 'b'] })
    response.end()
  }
  const answered = await http2Call(t, ending)
  t.match(answered, { endsWithHead: true, body: '', trailers: undefined, resetCode: 0 })
  t.match(answered.head, { ':status': 418, 'x-first': '1', 'grpc-status': '0', 'x-list': 'a, b' })
  const client = await http1Client(t, ending)
  client.get('/')
  t.match((await client.head()).raw, /^HTTP\/1\.1 418 /)
})

t.test('fields become an object: a repeated one is a list, and any name is a name', async (t) => {
  t.strictSame(Object.entries(grouped(['a', '1', 'b', '2', 'a', '3', '__proto__', '4', 'a', '5', 'constructor', '6'])), [
    ['a', ['1', '3', '5']], ['b', '2'], ['__proto__', '4'], ['constructor', '6']
  ])
  t.strictSame(Object.entries(grouped([])), [])
})
