import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { FastifyError } from '@fastify/error'
import t, { type Test } from 'tap'
import { rawAnswer, refuseClient, refuseInTurn } from '../../src/client/client-errors.ts'
import { HeadTooLargeError, MethodNotAllowedError, TargetInvalidError } from '../../src/errors.ts'
import { fieldValues, parseObject, portOf, type RawAnswer, RawClient, until } from '../helper.ts'

interface Listening {
  readonly port: number
  /** What was told of connections that were refused. */
  readonly refused: FastifyError[]
  /** How many errors the server told of. */
  readonly errors: () => number
  /** Errors of connections that were destroyed with one. */
  readonly destroyed: Error[]
}

/** An HTTP server that refuses what is no HTTP as the gateway does. */
async function listen (t: Test, onRequest: RequestListener): Promise<Listening> {
  const server = createServer({ requestTimeout: 0, headersTimeout: 200, connectionsCheckingInterval: 50, maxHeaderSize: 4_096 }, onRequest)
  const refused: FastifyError[] = []
  const destroyed: Error[] = []
  let errors = 0
  const onRefused = (error: FastifyError): void => { refused.push(error) }
  server.on('connection', (socket: Socket) => socket.on('error', (error) => destroyed.push(error)))
  server.on('clientError', (error, socket) => {
    errors++
    if (socket instanceof Socket) refuseClient(error, socket, onRefused)
  })
  server.on('connect', (_request, socket) => {
    if (socket instanceof Socket) refuseInTurn(new MethodNotAllowedError('CONNECT'), socket, onRefused, 'allow: GET\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: portOf(server), refused, errors: () => errors, destroyed }
}

async function connect (t: Test, { port }: Listening): Promise<RawClient> {
  const client = await RawClient.connect(port)
  t.teardown(() => client.leave())
  return client
}

const serve: RequestListener = (request, response) => {
  request.resume()
  response.end(request.url)
}

/** Status and code of an error of ours that closes the connection. */
function verdict ({ status, head, body }: RawAnswer): string {
  const { statusCode, code, error, message } = parseObject(body.toString())
  if (statusCode !== status || typeof error !== 'string' || typeof message !== 'string') throw new Error(`not an error of ours: ${body.toString()}`)
  return `${status} ${String(code)} ${fieldValues(head, 'connection').join()}`
}

const MALFORMED = [
  'rubbish\r\n\r\n', '\x16\x03\x01\x02\x00\x01', 'GET\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\nhost: a\n\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n',
  'GET / HTTP/1.1\r\nx y: 1\r\n\r\n', 'GET / HTTP/1.1\r\nx: a\x00b\r\n\r\n', 'POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n',
  'POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', 'GET / HTTP/x.y\r\n\r\n', 'GET /\x01 HTTP/1.1\r\n\r\n', 'FOO\x01 / HTTP/1.1\r\n\r\n'
]

t.test('bytes that are no HTTP: 400, told once, and the connection ends', async (t) => {
  const listening = await listen(t, serve)
  for (const [index, bytes] of MALFORMED.entries()) {
    const client = await connect(t, listening)
    client.send(bytes)
    t.equal(verdict(await client.answer()), '400 FL_REQUEST_MALFORMED close', JSON.stringify(bytes))
    t.equal(await client.ended, 'fin')
    t.equal(listening.refused.length, index + 1)
    t.match(listening.refused.at(-1), { code: 'FL_REQUEST_MALFORMED', statusCode: 400 })
  }
})

t.test('unknown methods, other versions and large heads are told by their own names', async (t) => {
  const listening = await listen(t, serve)
  const cases = [
    ['FOO / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN close'], ['get / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN close'],
    ['GETX / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN close'], ['\r\nFOO / HTTP/1.1\r\nhost: a\r\n\r\n', '501 FL_METHOD_UNKNOWN close'],
    ['GET / HTTP/3.0\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED close'], ['GET / HTTP/1.2\r\nhost: a\r\n\r\n', '505 FL_VERSION_UNSUPPORTED close'],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, '414 FL_TARGET_TOO_LONG close'],
    [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(5_000)}\r\n\r\n`, '431 FL_HEAD_TOO_LARGE close']
  ] as const
  for (const [bytes, expected] of cases) {
    const client = await connect(t, listening)
    client.send(bytes)
    t.equal(verdict(await client.answer()), expected, bytes.slice(0, 30))
    t.equal(await client.ended, 'fin')
  }
})

t.test('half a head: 408 when its time is over', async (t) => {
  const listening = await listen(t, serve)
  const client = await connect(t, listening)
  client.send('GET / HTTP/1.1\r\nho')
  t.equal(verdict(await client.answer()), '408 FL_CLIENT_TIMEOUT close')
  t.equal(await client.ended, 'fin')
})

t.test('whatever is said of a connection that was refused is passed over', async (t) => {
  const listening = await listen(t, serve)
  const client = await connect(t, listening)
  client.send('rubbish\r\n\r\n')
  await client.answer()
  for (let i = 0; i < 20; i++) client.send('more rubbish\r\n\r\n'.repeat(10_000))
  t.equal(await client.ended, 'fin', 'the client may say it all')
  t.equal(client.reader.unread.length, 0)
  t.equal(listening.refused.length, 1)
  t.same(listening.destroyed, [])
})

t.test('the answers that are owed come first, in order', async (t) => {
  const held: Array<[IncomingMessage, ServerResponse]> = []
  const listening = await listen(t, (request, response) => { held.push([request, response]) })
  const client = await connect(t, listening)
  client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\nrubbish\r\n\r\n')
  await until('the error is told', () => listening.errors() === 1)
  t.same([client.reader.received.length, listening.refused.length], [0, 0])
  // The second answer is there first, and has to wait.
  for (const [request, response] of held.toReversed()) {
    request.resume()
    response.end(request.url)
  }
  t.equal((await client.answer()).body.toString(), '/1')
  t.equal((await client.answer()).body.toString(), '/2')
  t.equal(verdict(await client.answer()), '400 FL_REQUEST_MALFORMED close')
  t.equal(await client.ended, 'fin')
  t.equal(listening.refused.length, 1)
})

t.test('an answer that is owed and never comes, because the client leaves, leaves nothing to be told', async (t) => {
  let requests = 0
  const listening = await listen(t, () => { requests++ })
  const client = await connect(t, listening)
  client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nrubbish\r\n\r\n')
  await until('the error is told', () => listening.errors() === 1)
  t.equal(requests, 1)
  client.reset()
  await until('the connection is closed', () => client.socket.destroyed)
  t.same(listening.refused, [])
})

t.test('a request that is still coming in fails by itself', async (t) => {
  const seen: unknown[] = []
  const listening = await listen(t, (request, response) => {
    request.on('error', (error: FastifyError) => {
      seen.push(error.code)
      response.statusCode = error.statusCode ?? 0
      response.end('up to the request')
    })
    request.resume()
  })
  const client = await connect(t, listening)
  client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\nrubbish\r\n')
  const { status, body } = await client.answer()
  t.same([status, body.toString(), seen], [400, 'up to the request', ['FL_REQUEST_MALFORMED']])
  t.same(listening.refused, [], 'it is not refused as a connection')
})

t.test('a request that is still coming in, and of which nobody would hear, is cut', async (t) => {
  const listening = await listen(t, (request) => { request.resume() })
  const client = await connect(t, listening)
  client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\nrubbish\r\n')
  await client.ended
  t.equal(client.reader.received.length, 0)
  t.match(listening.destroyed, [{ code: 'FL_REQUEST_MALFORMED' }])
})

t.test('a client that has left, in the middle of a request or not, is not told anything', async (t) => {
  const listening = await listen(t, (request) => { request.resume() })
  for (const bytes of ['GET / HTTP/1.1\r\nho', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf']) {
    const client = await connect(t, listening)
    client.socket.end(bytes)
    await client.ended
    t.equal(client.reader.received.length, 0)
  }
  const resetting = await connect(t, listening)
  resetting.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf')
  const before = listening.errors()
  resetting.reset()
  await until('the reset is told', () => listening.errors() > before)
  t.same(listening.refused, [])
})

t.test('bytes behind a request that asked to close are not refused: nobody answers them', async (t) => {
  const listening = await listen(t, serve)
  const client = await connect(t, listening)
  client.send('GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\nGET /more HTTP/1.1\r\nhost: a\r\n\r\n')
  t.equal((await client.answer()).body.toString(), '/last')
  await client.ended
  t.equal(client.reader.unread.length, 0)
  t.same(listening.refused, [])
})

t.test('a request that HTTP has let go of (CONNECT) is refused in its turn', async (t) => {
  const held: ServerResponse[] = []
  const listening = await listen(t, (_request, response) => { held.push(response) })
  const client = await connect(t, listening)
  client.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nCONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\nGET /more HTTP/1.1\r\nhost: a\r\n\r\n')
  await until('the first is there', () => held.length === 1)
  await new Promise(setImmediate)
  t.equal(client.reader.received.length, 0)
  held[0]?.end('first')
  t.equal((await client.answer()).body.toString(), 'first')
  const refused = await client.answer()
  t.equal(verdict(refused), '405 FL_METHOD_NOT_ALLOWED close')
  t.same(fieldValues(refused.head, 'allow'), ['GET'])
  t.equal(await client.ended, 'fin')
  t.equal(held.length, 1)
  t.match(listening.refused, [{ code: 'FL_METHOD_NOT_ALLOWED' }])
})

t.test('an answer as bytes has the form of all errors, its length in bytes, and further fields before the end', async (t) => {
  const [head = '', body = ''] = rawAnswer(new TargetInvalidError('is not caf\u00e9'), 'x-more: 1\r\n').split('\r\n\r\n')
  t.same(head.split('\r\n'), [
    'HTTP/1.1 400 Bad Request', 'content-type: application/json; charset=utf-8', `content-length: ${Buffer.byteLength(body)}`, 'x-more: 1', 'connection: close'
  ])
  t.strictSame(JSON.parse(body), {
    statusCode: 400,
    code: 'FL_TARGET_INVALID',
    error: 'Bad Request',
    message: 'The request target is not caf\u00e9: send a path that starts with "/"'
  })
  t.match(rawAnswer(new HeadTooLargeError('MAX_HEADERS')), /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
})
