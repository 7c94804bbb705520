/** Backends behind TLS: verified with the system's authorities as it comes, and no different otherwise. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { type Ca, call, hasOpenssl, http2Scenario, makeCa, readAll, type Scenario, within } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const loopback = root.issue({ name: 'loopback', ipAddresses: ['127.0.0.1'] })
const elsewhere = root.issue({ name: 'elsewhere', dnsNames: ['other.example'] })

/** Has the process trust an authority, until the scenario ends. */
function trust (s: Scenario, { cert }: Ca): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, cert])
  s.atEnd(() => setDefaultCACertificates(before))
}

http2Scenario('a certificate that nobody vouches for: the backend is not healthy, and gets no request', async (s, t) => {
  const backend = await s.httpsOrigin('a', loopback)
  const gateway = await s.gateway([backend])
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /UNABLE_TO_VERIFY_LEAF_SIGNATURE/ }])
  gateway.declareHealthy(backend)
  t.match(JSON.parse((await call(gateway.url, { method: 'POST', body: 'secret' })).text), { statusCode: 502, code: 'FL_UPSTREAM_CONNECT_FAILED' })
  t.match(gateway.logs.of('proxy error'), [{ cause: /UNABLE_TO_VERIFY_LEAF_SIGNATURE/ }])
  t.same([backend.requests.length, backend.probes], [0, 0])
})

http2Scenario('a certificate for another name: the backend is not healthy, and gets no request', async (s, t) => {
  trust(s, root)
  const backend = await s.httpsOrigin('a', elsewhere)
  const gateway = await s.gateway([backend])
  t.match(gateway.app.pool.status().backends, [{ healthy: false, reason: /ERR_TLS_CERT_ALTNAME_INVALID/ }])
  gateway.declareHealthy(backend)
  t.equal((await call(gateway.url)).status, 502)
  t.same([backend.requests.length, backend.probes], [0, 0])
})

http2Scenario('a backend with a good certificate is served like any other', async (s, t) => {
  trust(s, root)
  const backend = await s.httpsOrigin('a', loopback, (request, response) => {
    void readAll(request).then((body) => response.end(createHash('sha256').update(body).digest('hex')))
  })
  const gateway = await s.gateway([backend])
  const body = randomBytes(3 * 1024 * 1024)
  for (let i = 0; i < 3; i++) {
    const { status, text } = await call(gateway.url, { method: 'PUT', body })
    t.equal(`${status} ${text}`, `200 ${createHash('sha256').update(body).digest('hex')}`)
  }
  t.same(backend.requests.map(({ method, headers }) => `${method} ${String(headers['x-forwarded-proto'])}`), ['PUT http', 'PUT http', 'PUT http'])
  t.match(gateway.app.pool.status().backends, [{ healthy: true, failures: 0 }])
})

http2Scenario('tunnels lead through TLS too', async (s, t) => {
  trust(s, root)
  const backend = await s.httpsOrigin('a', loopback)
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
