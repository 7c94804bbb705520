/** Backends behind TLS: verified as it comes, and no different otherwise. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { call, portOf, readAll, scenario, type Scenario, within } from '../helper.ts'

interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A certificate that is its own authority, for one name. */
function certificateFor (name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-test-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert,
    '-subj', '/CN=test', '-addext', `subjectAltName=${name}`
  ], { stdio: 'ignore' })
  try {
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface SecureBackend {
  readonly url: string
  readonly server: Server
  /** Requests that came through, probes left out. */
  readonly seen: string[]
}

/** A backend that answers the hash of what it gets. */
async function secureBackend (s: Scenario, certificate: Certificate): Promise<SecureBackend> {
  const seen: string[] = []
  const server = createServer(certificate, (request, response) => {
    if (request.url !== '/health') seen.push(`${request.method} ${String(request.headers['x-forwarded-proto'])}`)
    void readAll(request).then((body) => response.end(createHash('sha256').update(body).digest('hex')))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  s.atEnd(() => server.close())
  return { url: `https://127.0.0.1:${portOf(server)}`, server, seen }
}

/** Has the process trust a certificate, until the scenario ends. */
function trust (s: Scenario, { cert }: Certificate): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, cert])
  s.atEnd(() => setDefaultCACertificates(before))
}

if (spawnSync('openssl', ['version']).status !== 0) {
  void t.test('backends behind TLS', { skip: 'openssl is not installed (apt-get install openssl)' }, () => {})
} else {
  const loopback = certificateFor('IP:127.0.0.1')

  scenario('a certificate that nobody vouches for: the backend is not healthy, and gets no request', async (s, t) => {
    const backend = await secureBackend(s, loopback)
    const gateway = await s.gateway([backend])
    t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /SELF_SIGNED/ }])
    gateway.declareHealthy(backend)
    t.match(JSON.parse((await call(gateway.url, { method: 'POST', body: 'secret' })).text), { statusCode: 502, code: 'FL_UPSTREAM_CONNECT_FAILED' })
    t.match(gateway.logs.of('proxy error'), [{ cause: /SELF_SIGNED/ }])
    t.same(backend.seen, [])
  })

  scenario('a certificate for another name: the backend is not healthy, and gets no request', async (s, t) => {
    const certificate = certificateFor('DNS:other.example')
    trust(s, certificate)
    const backend = await secureBackend(s, certificate)
    const gateway = await s.gateway([backend])
    t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ERR_TLS_CERT_ALTNAME_INVALID/ }])
    gateway.declareHealthy(backend)
    t.equal((await call(gateway.url)).status, 502)
    t.same(backend.seen, [])
  })

  scenario('a backend with a good certificate is served like any other', async (s, t) => {
    trust(s, loopback)
    const backend = await secureBackend(s, loopback)
    const gateway = await s.gateway([backend])
    const body = randomBytes(3 * 1024 * 1024)
    for (let i = 0; i < 3; i++) {
      const { status, text } = await call(gateway.url, { method: 'PUT', body })
      t.equal(`${status} ${text}`, `200 ${createHash('sha256').update(body).digest('hex')}`)
    }
    t.same(backend.seen, ['PUT http', 'PUT http', 'PUT http'])
    t.match(gateway.app.pool.status().backends, [{ healthy: true, failures: 0 }])
  })

  scenario('tunnels lead through TLS too', async (s, t) => {
    trust(s, loopback)
    const backend = await secureBackend(s, loopback)
    new WebSocketServer({ server: backend.server }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(data))
    })
    const gateway = await s.gateway([backend])
    const socket = new WebSocket(gateway.url.replace('http', 'ws'))
    await within('the WebSocket opens', once(socket, 'open'))
    const echo = new Promise((resolve) => { socket.once('message', (data) => resolve(Buffer.isBuffer(data) ? data.toString() : data)) })
    socket.send('through TLS')
    t.equal(await within('the echo', echo), 'through TLS')
    const closed = once(socket, 'close')
    socket.close()
    await closed
  })
}
