/** Clients of TLS that leave without a good-bye, at any time from the first byte on: nothing of them stays. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import * as tls from 'node:tls'
import t from 'tap'
import { answer, answerInParts, type Behaviour, type Gateway, hasOpenssl, http2Scenario, type Http2Scenario, makeCa, never, until } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const ca = makeCa(t.testdir(), 'root')
const { certFile, keyFile } = ca.issue({ name: 'gateway', ipAddresses: ['127.0.0.1'] })

/** What would end them at last, in ms: far behind the time that they may take to go. */
const LATE = '60000'
const GONE_WITHIN_MS = 3_000

const SERVING = {
  env: {
    TLS_CERT_FILES: certFile, TLS_KEY_FILES: keyFile, CLIENT_HEADERS_TIMEOUT_MS: LATE, CLIENT_SEND_TIMEOUT_MS: LATE, CLIENT_KEEP_ALIVE_TIMEOUT_MS: LATE
  }
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

const LARGE = 'x'.repeat(4_000_000)

async function connected (s: Http2Scenario, gateway: Gateway): Promise<Socket> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.on('error', () => {})
  s.atEnd(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function allGone (gateway: Gateway): Promise<void> {
  await until('nothing is in flight', () => gateway.inFlight === 0, GONE_WITHIN_MS)
  await until('no connection is left', () => gateway.app.intake.size === 0, GONE_WITHIN_MS)
}

/** The first bytes of a client, as it would send them. */
async function clientHello (): Promise<Buffer> {
  const hello = Promise.withResolvers<Buffer>()
  const wire = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      hello.resolve(chunk)
      done()
    }
  })
  const client = tls.connect({ socket: wire, host: '127.0.0.1', ca: ca.cert })
  client.on('error', () => {})
  const bytes = await hello.promise
  client.destroy()
  return bytes
}

const ANSWERS: ReadonlyArray<readonly [what: string, behaviour: Behaviour]> = [
  ['is answered at once', answer({ body: 'a' })],
  ['is answered at length', answer({ body: LARGE })],
  ['is answered in parts', answerInParts((async function * () { yield LARGE })())],
  ['is not answered', never]
]

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const [what, behaviour] of ANSWERS) {
    http2Scenario(`${version}: a client that resets the connection right behind its handshake and a request that ${what}`, async (s, t) => {
      const gateway = await s.gateway([await s.scripted('a', behaviour)], SERVING)
      // In the same turn, and one later: what the gateway gets to see differs.
      for (const isWritten of [false, true]) {
        const raw = await connected(s, gateway)
        const client = tls.connect({ socket: raw, host: '127.0.0.1', ca: ca.cert, minVersion: version, maxVersion: version })
        client.on('error', () => {})
        s.atEnd(() => client.destroy())
        await new Promise<void>((resolve) => {
          const reset = (): void => {
            raw.resetAndDestroy()
            resolve()
          }
          client.once('secureConnect', () => {
            client.write(REQUEST, isWritten ? reset : undefined)
            if (!isWritten) reset()
          })
        })
        await allGone(gateway)
      }
      t.pass('nothing of it stays')
    })
  }
}

http2Scenario('a client that ends its side and waits is no dead one: it gets its answer, however late', async (s, t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
  const gateway = await s.gateway([await s.scripted('a', async (exchange) => {
    await mayAnswer
    await answer({ body: 'late' })(exchange)
  })], SERVING)
  const client = tls.connect({ socket: await connected(s, gateway), host: '127.0.0.1', ca: ca.cert })
  s.atEnd(() => client.destroy())
  let text = ''
  client.on('data', (chunk: Buffer) => { text += chunk.toString() })
  await once(client, 'secureConnect')
  client.end(REQUEST)
  // Longer than a connection may look dead.
  setTimeout(letAnswer, 1_500)
  await until('the answer', () => text.endsWith('late'))
  t.match(text, /HTTP\/1\.1 200 /)
})

for (const part of ['one byte', 'a part', 'the whole']) {
  for (const how of ['ends', 'resets'] as const) {
    http2Scenario(`a client that ${how} the connection behind ${part} of its ClientHello`, async (s, t) => {
      const gateway = await s.gateway([await s.origin('a')], SERVING)
      const hello = await clientHello()
      const socket = await connected(s, gateway)
      socket.write(part === 'the whole' ? hello : hello.subarray(0, part === 'a part' ? hello.length / 2 : 1))
      // Only behind the whole of it there is an answer to wait for.
      if (part === 'the whole') await once(socket, 'data')
      else await until('it has come', () => gateway.app.intake.size === 1)
      if (how === 'ends') socket.end()
      else socket.resetAndDestroy()
      await allGone(gateway)
      t.pass('nothing of it stays')
    })
  }
}
