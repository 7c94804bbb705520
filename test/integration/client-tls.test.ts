/** TLS for clients: which certificate they are shown, what they speak, and how certificates are replaced while the gateway runs. */
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { Environment } from '../../src/config/env-schema.ts'
import {
  after, answer, fieldValues, Gateway, hasOpenssl, type Http2Scenario, http2Scenario, type Issued, makeCa, type PairFiles, until, within
} from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const first = root.issue({ name: 'first', dnsNames: ['first.example'], ipAddresses: ['127.0.0.1'], days: 30 })
const second = root.issue({ name: 'second', dnsNames: ['second.example'], days: 30 })
const renewed = root.issue({ name: 'renewed', dnsNames: ['first.example'], ipAddresses: ['127.0.0.1'], days: 30 })

/** Fast enough for a test to wait for. */
const RELOAD_ENV = { TLS_RELOAD_INTERVAL_MS: '10' }

/** TLS 1.1 is out of the question for a client too, unless it is told otherwise. */
const TLS_1_1 = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const

function serving (pairs: readonly PairFiles[], more: Environment = {}): { readonly env: Environment } {
  return { env: { TLS_CERT_FILES: pairs.map(({ certFile }) => certFile).join(), TLS_KEY_FILES: pairs.map(({ keyFile }) => keyFile).join(), ...more } }
}

/** A client that trusts the authority, whatever name it asks for. */
function asking (servername?: string): { ca: string, servername?: string, checkServerIdentity: () => undefined } {
  return { ca: root.cert, checkServerIdentity: () => undefined, ...(servername !== undefined && { servername }) }
}

/** A pair at a place of its own, so that it can be replaced. */
function installed (pair: Issued): PairFiles & { install: (certificate: Issued, key?: Issued) => void } {
  const dir = mkdtempSync(join(pki, 'pair-'))
  const [certFile, keyFile] = [join(dir, 'tls.crt'), join(dir, 'tls.key')]
  const install = (certificate: Issued, key = certificate): void => {
    copyFileSync(certificate.certFile, certFile)
    copyFileSync(key.keyFile, keyFile)
  }
  install(pair)
  return { certFile, keyFile, install }
}

/** The certificate that a new client is shown. */
async function shown (s: Http2Scenario, gateway: Gateway, servername?: string): Promise<string> {
  const client = await s.tlsClient(gateway, asking(servername))
  client.get('/')
  await client.answer()
  return client.shown
}

http2Scenario('the name that a client asks for chooses the certificate; without one, or with one that is unknown, it is the first', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first, second]))
  t.equal(await shown(s, gateway, 'second.example'), 'second')
  t.equal(await shown(s, gateway, 'first.example'), 'first')
  t.equal(await shown(s, gateway), 'first')
  t.equal(await shown(s, gateway, 'unknown.example'), 'first')
})

http2Scenario('a client that verifies is content, and the backend is told of https', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving([first]))
  const client = await s.tlsClient(gateway, { ca: root.cert })
  for (let i = 0; i < 2; i++) {
    client.get('/path?query', ['x-forwarded-proto: http', 'client-cert: :bm9uZQ==:', 'client-cert-chain: :bm9uZQ==:'])
    t.match(await client.answer(), { status: 200, body: Buffer.from('a') })
  }
  t.equal(origin.requests.length, 2)
  for (const { url, headers } of origin.requests) {
    t.equal(url, '/path?query')
    t.match(headers, { 'x-forwarded-proto': 'https', 'x-forwarded-port': String(gateway.port), 'x-forwarded-for': '127.0.0.1', forwarded: /proto=https/ })
    t.notOk('client-cert' in headers || 'client-cert-chain' in headers, 'what the client says of its certificate is not believed')
  }
  t.match(gateway.logs.of('request').at(-1), { status: 200, client: '127.0.0.1' })
})

for (const [version, env, isServed] of [
  ['TLSv1.2', {}, true],
  ['TLSv1.3', {}, true],
  ['TLSv1.1', {}, false],
  ['TLSv1.2', { TLS_MIN_VERSION: 'TLSv1.3' }, false],
  ['TLSv1.3', { TLS_MIN_VERSION: 'TLSv1.3' }, true]
] as const) {
  http2Scenario(`${version} is ${isServed ? 'accepted' : 'refused'} (${JSON.stringify(env)})`, async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')], serving([first], env))
    const versions = version === 'TLSv1.1' ? TLS_1_1 : { minVersion: version, maxVersion: version }
    const connected = s.tlsClient(gateway, { ca: root.cert, ...versions })
    if (!isServed) {
      await t.rejects(connected, { code: /TLSV1_ALERT_PROTOCOL_VERSION/ })
      return
    }
    const client = await connected
    t.equal(client.socket.getProtocol(), version)
    client.get('/')
    t.equal((await client.answer()).status, 200)
  })
}

http2Scenario('a client without ALPN, and one that offers HTTP/1.1 alone, are served HTTP/1.1', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first]))
  for (const [options, protocol] of [[{}, false], [{ ALPNProtocols: ['http/1.1'] }, 'http/1.1']] as const) {
    const client = await s.tlsClient(gateway, { ca: root.cert, ...options })
    t.equal(client.socket.alpnProtocol, protocol)
    client.get('/')
    t.equal((await client.answer()).status, 200)
  }
})

http2Scenario('new certificates are taken over, while an open connection and a request in flight go on', async (s, t) => {
  const answering = Promise.withResolvers<void>()
  const origin = await s.scripted('a', answer({ body: 'before' }), after(answering.promise, answer({ body: 'late' })), answer({ body: 'after' }))
  const files = installed(first)
  const gateway = await s.gateway([origin], serving([files, second], RELOAD_ENV))
  const [open, busy] = [await s.tlsClient(gateway, asking('first.example')), await s.tlsClient(gateway, asking('first.example'))]
  open.get('/')
  t.equal(String((await open.answer()).body), 'before')
  busy.get('/')
  await until('the request is in flight', () => origin.requests.length === 2)
  files.install(renewed)
  await gateway.logs.wait('certificates reloaded')
  t.equal(await shown(s, gateway, 'first.example'), 'renewed')
  t.equal(await shown(s, gateway, 'second.example'), 'second')
  answering.resolve()
  t.equal(String((await busy.answer()).body), 'late')
  for (const client of [open, busy]) {
    client.get('/')
    t.equal(String((await client.answer()).body), 'after')
    t.equal(client.shown, 'first')
  }
})

http2Scenario('broken new certificates are told of once, and the old ones stay in force; then good ones are taken over', async (s, t) => {
  const files = installed(first)
  const gateway = await s.gateway([await s.origin('a')], serving([files], RELOAD_ENV))
  const faults = (): number => gateway.logs.of('changed certificates cannot be used: the old ones stay in force').length
  files.install(renewed, first)
  await until('the fault is told', () => faults() === 1)
  // Each of these looks comes behind several others of the gateway's at the files.
  for (let i = 0; i < 5; i++) t.equal(await shown(s, gateway), 'first')
  t.equal(faults(), 1)
  t.match(gateway.logs.lines.find(({ fault }) => fault !== undefined), { level: 50, fault: /key file ".*tls\.key" does not match the certificate/ })
  files.install(renewed)
  await gateway.logs.wait('certificates reloaded')
  t.equal(await shown(s, gateway), 'renewed')
  writeFileSync(files.certFile, 'broken again')
  await until('the next fault is told', () => faults() === 2)
  t.equal(await shown(s, gateway), 'renewed')
})

http2Scenario('plain HTTP gets nothing but the end of the connection', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving([first]))
  const client = await s.client(gateway)
  client.get('/')
  await client.ended
  t.notMatch(client.reader.received.toString('latin1'), /HTTP/)
  t.equal(origin.requests.length, 0)
  t.equal(await shown(s, gateway), 'first')
})

http2Scenario('a client that does not shake hands in time is closed', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first], { CLIENT_HEADERS_TIMEOUT_MS: '50' }))
  const silent = await s.client(gateway)
  await silent.ended
  const shaken = await s.tlsClient(gateway, { ca: root.cert })
  t.equal((await shaken.answer()).status, 408)
  t.match(await shaken.ended, 'fin')
})

http2Scenario('a client in the middle of its handshake does not hold up the end of the gateway', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first], { CLIENT_HEADERS_TIMEOUT_MS: '3000' }))
  const silent = await s.client(gateway)
  await until('it has come', () => gateway.app.intake.size === 1)
  const closed = gateway.app.close().then(() => 'closed')
  t.equal(await Promise.race([closed, within('the gateway closes', closed, 1_500).catch(() => 'waits')]), 'closed')
  await silent.ended
})

http2Scenario('above MAX_CONNECTIONS a client is closed without a word that it would not understand', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first], { MAX_CONNECTIONS: '1' }))
  const client = await s.tlsClient(gateway, { ca: root.cert })
  const refused = await s.client(gateway)
  t.equal(await refused.ended, 'fin')
  t.equal(refused.reader.received.length, 0)
  client.get('/')
  t.equal((await client.answer()).status, 200)
})

http2Scenario('a parse error over TLS is answered in HTTP', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')], serving([first]))
  for (const [bytes, status] of [['rubbish\r\n\r\n', 400], ['BREW / HTTP/1.1\r\nhost: x\r\n\r\n', 501], ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 501]] as const) {
    const client = await s.tlsClient(gateway, { ca: root.cert })
    client.send(bytes)
    const refused = await client.answer()
    t.equal(refused.status, status)
    t.same(fieldValues(refused.head, 'connection'), ['close'])
    await client.ended
  }
})

http2Scenario('a WebSocket goes through TLS', async (s, t) => {
  const origin = await s.origin('a')
  new WebSocketServer({ server: origin.server }).on('connection', (socket) => {
    socket.on('message', (data) => socket.send(data))
  })
  const gateway = await s.gateway([origin], serving([first]))
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.port}`, { ca: root.cert })
  await within('the WebSocket opens', once(socket, 'open'))
  const echo = once(socket, 'message')
  socket.send('through TLS')
  t.equal(String((await within('the echo', echo))[0]), 'through TLS')
  const closed = once(socket, 'close')
  socket.close()
  await within('the WebSocket closes', closed)
})

void t.test('the start fails, and names every fault of the files at once', async (t) => {
  const missing = join(pki, 'missing.pem')
  const loading = Gateway.load([{ url: 'http://127.0.0.1:1' }], serving([{ certFile: missing, keyFile: second.keyFile }, { certFile: first.certFile, keyFile: second.keyFile }]))
  const error = await loading.then(() => undefined, (reason: unknown) => reason)
  if (!(error instanceof Error)) throw new Error('it has started')
  t.match(error, { code: 'FL_CONFIG_INVALID' })
  t.match(error.message, /certificate file ".*missing\.pem" cannot be read \(ENOENT\)/)
  t.match(error.message, /key file ".*second\.key" does not match the certificate in ".*first\.pem"/)
})

void t.test('the start fails without a key for each certificate', async (t) => {
  const loading = Gateway.load([{ url: 'http://127.0.0.1:1' }], { env: { TLS_CERT_FILES: `${first.certFile},${second.certFile}`, TLS_KEY_FILES: first.keyFile } })
  await t.rejects(loading, { code: 'FL_CONFIG_INVALID', message: /certificate files: 2, key files: 1/ })
})

void t.test('the start fails with keys alone, or client authorities alone: TLS was meant', async (t) => {
  for (const env of [{ TLS_KEY_FILES: first.keyFile }, { TLS_CLIENT_CA_FILE: root.certFile }]) {
    await t.rejects(Gateway.load([{ url: 'http://127.0.0.1:1' }], { env }), { code: 'FL_CONFIG_INVALID', message: /TLS_CERT_FILES/ })
  }
})

for (const [days, isWarned] of [[2, true], [30, false]] as const) {
  http2Scenario(`a certificate that is good for ${days} days is ${isWarned ? '' : 'not '}warned of at the start`, async (s, t) => {
    const gateway = await s.gateway([await s.origin('a')], serving([first, root.issue({ name: `days${days}`, days })]))
    t.equal(gateway.logs.lines.some(({ msg, level }) => level === 40 && msg.includes('expires soon')), isWarned)
  })
}
