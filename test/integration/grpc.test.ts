/** gRPC through the gateway, with an ordinary implementation at both ends. */
import { once } from 'node:events'
import * as grpc from '@grpc/grpc-js'
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { ECHO, type Gateway, GrpcOrigin, type GrpcOptions, hasOpenssl, type Http2Scenario, http2Scenario, makeCa, same, Serving, until, within } from '../helper.ts'

/** A unary call that is over. */
interface Called {
  readonly message: Buffer
  readonly leading: grpc.Metadata
  readonly trailing: grpc.Metadata
}

interface Arranged {
  readonly gateway: Gateway
  readonly client: grpc.Client
  readonly origins: readonly GrpcOrigin[]
}

async function origin (s: Http2Scenario, name: string, options?: GrpcOptions): Promise<GrpcOrigin> {
  const started = await GrpcOrigin.start(name, options)
  s.atEnd(() => started.stop())
  return started
}

function connect (s: Http2Scenario, gateway: Gateway, credentials = grpc.credentials.createInsecure(), options: grpc.ClientOptions = {}): grpc.Client {
  const client = new grpc.Client(`127.0.0.1:${gateway.port}`, credentials, { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1, ...options })
  s.atEnd(() => client.close())
  return client
}

async function arrange (s: Http2Scenario, options: readonly GrpcOptions[] = [{}], env: Environment = {}): Promise<Arranged> {
  const origins = await Promise.all(options.map(async (one, index) => await origin(s, `backend ${index}`, one)))
  const gateway = await s.gateway(origins, { env })
  return { gateway, client: connect(s, gateway), origins }
}

async function unary (client: grpc.Client, message: Buffer, metadata = new grpc.Metadata(), options: grpc.CallOptions = {}): Promise<Called> {
  let leading = new grpc.Metadata()
  let trailing = new grpc.Metadata()
  const answer = new Promise<Buffer>((resolve, reject) => {
    const call = client.makeUnaryRequest(`${ECHO}/Unary`, same, same, message, metadata, options, (error, value) => {
      if (error === null) call.once('status', () => resolve(value ?? Buffer.alloc(0)))
      else reject(error)
    })
    call.on('metadata', (received) => { leading = received })
    call.on('status', (status) => { trailing = status.metadata })
  })
  return { message: await within('a unary call', answer), leading, trailing }
}

/** What a call fails with. */
async function failureOf (call: Promise<Called>): Promise<grpc.ServiceError> {
  const error: unknown = await call.then(() => undefined, (reason: unknown) => reason)
  if (isServiceError(error)) return error
  throw new Error(`not an error of gRPC: ${String(error)}`)
}

function isServiceError (value: unknown): value is grpc.ServiceError {
  return value instanceof Error && 'code' in value && 'details' in value
}

/** How a stream ends, well or not. */
async function statusOf (call: grpc.ClientReadableStream<Buffer>): Promise<grpc.StatusObject> {
  call.on('error', () => {})
  return await within('the status', new Promise((resolve) => { call.once('status', resolve) }))
}

async function allOf (call: grpc.ClientReadableStream<Buffer>): Promise<string[]> {
  const texts: string[] = []
  call.on('data', (part: Buffer) => { texts.push(part.toString()) })
  await within('the end of a stream', once(call, 'end'))
  return texts
}

http2Scenario('unary calls, with metadata in front and behind', async (s, t) => {
  const { client, origins } = await arrange(s)
  const metadata = new grpc.Metadata()
  metadata.set('x-echo', 'text')
  metadata.set('x-echo-bin', Buffer.from([0, 1, 254, 255]))
  metadata.add('x-many', '1')
  metadata.add('x-many', '2')
  const { message, leading, trailing } = await unary(client, Buffer.from('hello'), metadata)
  t.equal(String(message), 'hello')
  t.same([leading.get('x-echo'), leading.get('x-echo-bin')], [['text'], [Buffer.from([0, 1, 254, 255])]])
  t.same([trailing.get('x-served-by'), trailing.get('x-trailing-bin')], [['backend 0'], [Buffer.from([0, 255, 128])]])
  t.same(origins[0]?.calls[0]?.get('x-many'), ['1, 2'])
  t.equal(String((await unary(client, Buffer.alloc(0))).message), '')
})

http2Scenario('big messages', async (s, t) => {
  const { client } = await arrange(s)
  const message = Buffer.alloc(3 * 1024 * 1024, 'abcdefghijklmnopq')
  const echoes = await Promise.all(Array.from({ length: 4 }, async () => await unary(client, message)))
  t.ok(echoes.every((echo) => echo.message.equals(message)))
})

http2Scenario('a stream of the server', async (s, t) => {
  const { client } = await arrange(s)
  const call = client.makeServerStreamRequest(`${ECHO}/ServerStream`, same, same, Buffer.from('500'))
  const [texts, status] = await Promise.all([allOf(call), statusOf(call)])
  t.same(texts, Array.from({ length: 500 }, (_, i) => `${i}`))
  t.equal(status.code, grpc.status.OK)
})

http2Scenario('a stream of the client', async (s, t) => {
  const { client } = await arrange(s)
  const answer = new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(`${ECHO}/ClientStream`, same, same, (error, value) => { if (error === null) resolve(value); else reject(error) })
    for (let i = 0; i < 500; i++) call.write(Buffer.from(`${i},`))
    call.end()
  })
  t.equal(String(await within('the answer', answer)), Array.from({ length: 500 }, (_, i) => `${i},`).join(''))
})

http2Scenario('streams both ways, message by message', async (s, t) => {
  const { client } = await arrange(s)
  const call = client.makeBidiStreamRequest(`${ECHO}/Bidi`, same, same)
  for (let i = 0; i < 20; i++) {
    const echo = once(call, 'data')
    call.write(Buffer.from(`message ${i}`))
    t.equal(String((await within('an echo', echo))[0]), `message ${i}`)
  }
  const status = statusOf(call)
  call.end()
  t.equal((await status).code, grpc.status.OK)
})

http2Scenario('an error arrives with its code, its details and its metadata', async (s, t) => {
  const { client } = await arrange(s, [{
    unary: (_call, done) => {
      const metadata = new grpc.Metadata()
      metadata.set('x-reason', 'lost')
      done({ code: grpc.status.NOT_FOUND, details: 'nothing of that name: caf\u00e9 \u4f60\u597d', metadata })
    }
  }])
  const error = await failureOf(unary(client, Buffer.from('x')))
  t.match(error, { code: grpc.status.NOT_FOUND, details: 'nothing of that name: caf\u00e9 \u4f60\u597d' })
  t.same(error.metadata.get('x-reason'), ['lost'])
})

http2Scenario('an error behind messages arrives behind them', async (s, t) => {
  const { client } = await arrange(s, [{
    bidi: (call) => {
      call.write(Buffer.from('one'))
      call.write(Buffer.from('two'))
      call.emit('error', { code: grpc.status.RESOURCE_EXHAUSTED, details: 'no more' })
    }
  }])
  const call = client.makeBidiStreamRequest(`${ECHO}/Bidi`, same, same)
  const texts: string[] = []
  call.on('data', (part: Buffer) => { texts.push(part.toString()) })
  t.match(await statusOf(call), { code: grpc.status.RESOURCE_EXHAUSTED, details: 'no more' })
  t.same(texts, ['one', 'two'])
})

http2Scenario('a method that does not exist is UNIMPLEMENTED', async (s, t) => {
  const { client } = await arrange(s)
  const answer = new Promise<grpc.ServiceError | null>((resolve) => {
    client.makeUnaryRequest('/test.Other/Method', same, same, Buffer.alloc(0), (error) => resolve(error))
  })
  t.match(await within('the answer', answer), { code: grpc.status.UNIMPLEMENTED })
})

http2Scenario('a deadline that runs out, and the backend knows of it', async (s, t) => {
  let remainingMs = 0
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
  const { client, gateway } = await arrange(s, [{
    unary: (call) => {
      const deadline = call.getDeadline()
      remainingMs = Number(deadline) - Date.now()
      call.on('cancelled', cancel)
    }
  }])
  const error = await failureOf(unary(client, Buffer.from('x'), undefined, { deadline: Date.now() + 300 }))
  t.equal(error.code, grpc.status.DEADLINE_EXCEEDED)
  t.ok(remainingMs > 0 && remainingMs <= 301, `${remainingMs} ms were left`)
  await within('the backend is told', cancelled)
  await until('nothing in flight', () => gateway.inFlight === 0)
})

for (const kind of ['Unary', 'Bidi'] as const) {
  http2Scenario(`a call that is cancelled is cancelled at the backend (${kind})`, async (s, t) => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
    const note = (call: { on: (event: 'cancelled', listener: () => void) => unknown }): void => {
      call.on('cancelled', cancel)
      begin()
    }
    const { client, gateway } = await arrange(s, [{ unary: note, bidi: note }])
    const call = kind === 'Unary'
      ? client.makeUnaryRequest(`${ECHO}/Unary`, same, same, Buffer.alloc(0), () => {})
      : client.makeBidiStreamRequest(`${ECHO}/Bidi`, same, same).on('error', () => {})
    await within('the call arrives', begun)
    t.equal(gateway.inFlight, 1)
    call.cancel()
    await within('the backend is told', cancelled)
    await until('nothing in flight', () => gateway.inFlight === 0)
  })
}

http2Scenario('a backend that breaks off in the middle of a stream is no good end', async (s, t) => {
  const { client, origins, gateway } = await arrange(s, [{ bidi: (call) => { call.write(Buffer.from('one')) } }])
  const call = client.makeBidiStreamRequest(`${ECHO}/Bidi`, same, same)
  const status = statusOf(call)
  await within('the first message', once(call, 'data'))
  origins[0]?.stop()
  t.not((await status).code, grpc.status.OK)
  await until('nothing in flight', () => gateway.inFlight === 0)
})

http2Scenario('the calls of one channel are spread over the backends', async (s, t) => {
  const { client, origins } = await arrange(s, [{}, {}, {}])
  const served = await Promise.all(Array.from({ length: 30 }, async () => (await unary(client, Buffer.from('x'))).trailing.get('x-served-by')[0]))
  t.same(new Set(served).size, 3)
  t.same(origins.map(({ calls }) => calls.length), [10, 10, 10])
})

http2Scenario('a backend that is gone is passed over; when all are, the call is UNAVAILABLE', async (s, t) => {
  const { client, origins } = await arrange(s, [{}, {}])
  await unary(client, Buffer.from('x'))
  origins[0]?.stop()
  for (let i = 0; i < 4; i++) t.same((await unary(client, Buffer.from('x'))).trailing.get('x-served-by'), ['backend 1'])
  origins[1]?.stop()
  t.equal((await failureOf(unary(client, Buffer.from('x')))).code, grpc.status.UNAVAILABLE)
})

http2Scenario('a server of gRPC alone is alive: it answers, if not the probe', async (s, t) => {
  const { gateway } = await arrange(s)
  t.match(gateway.app.pool.status().backends, [{ healthy: true, reason: 'answered gRPC, without a health service' }])
})

http2Scenario('a server with the health protocol says itself whether it serves', async (s, t) => {
  let status: number = Serving.serving
  const { gateway, client, origins } = await arrange(s, [{ health: () => status }, { health: () => Serving.notServing }, { health: () => Serving.unknown }], { HEALTH_INTERVAL_MS: '20' })
  const health = (): boolean[] => gateway.app.pool.backends.map(({ healthy }) => healthy)
  t.same(health(), [true, false, false])
  t.match(gateway.app.pool.status().backends, [{ reason: 'answered SERVING' }, { reason: /gRPC health 2/ }, { reason: /gRPC health 0/ }])
  for (let i = 0; i < 3; i++) await unary(client, Buffer.from('x'))
  t.same(origins.map(({ calls }) => calls.length), [3, 0, 0])
  status = Serving.notServing
  await until('it is taken out', () => !health()[0])
  t.equal((await failureOf(unary(client, Buffer.from('x')))).code, grpc.status.UNAVAILABLE)
  status = Serving.serving
  await until('it is back', () => health()[0])
  await unary(client, Buffer.from('x'))
})

if (hasOpenssl()) {
  const root = makeCa(t.testdir(), 'root')
  const gatewayPair = root.issue({ name: 'gateway', dnsNames: ['gateway.test'] })
  const backendPair = root.issue({ name: 'backend', ipAddresses: ['127.0.0.1'] })

  http2Scenario('over TLS on both sides', async (s, t) => {
    const backend = await origin(s, 'secure', { secure: backendPair, health: () => Serving.serving })
    const gateway = await s.gateway([backend], { env: { TLS_CERT_FILES: gatewayPair.certFile, TLS_KEY_FILES: gatewayPair.keyFile, UPSTREAM_TLS_CA_FILE: root.certFile } })
    t.match(gateway.app.pool.status().backends, [{ healthy: true, reason: 'answered SERVING' }])
    const client = connect(s, gateway, grpc.credentials.createSsl(Buffer.from(root.cert)), { 'grpc.ssl_target_name_override': 'gateway.test' })
    const { message, trailing } = await unary(client, Buffer.from('hello'))
    t.same([String(message), trailing.get('x-served-by')], ['hello', ['secure']])
    t.same(backend.calls[0]?.get('x-forwarded-proto'), ['https'])
    const call = client.makeServerStreamRequest(`${ECHO}/ServerStream`, same, same, Buffer.from('100'))
    t.equal((await allOf(call)).length, 100)
  })
}
