/** Certificates of clients: who gets in with which, and what backends are told of them (Client-Cert, RFC 9440). */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { type Gateway, hasOpenssl, http2Call, type Http2Scenario, http2Scenario, type Issued, makeCa, TlsClient } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const server = root.issue({ name: 'server', ipAddresses: ['127.0.0.1'] })
const clients = makeCa(pki, 'clients')
const alice = clients.issue({ name: 'alice', client: true })
/** Of an authority with the same name, but another key. */
const mallory = makeCa(pki, 'clients').issue({ name: 'mallory', client: true })
/** Good for a server, and no client. */
const misused = clients.issue({ name: 'misused' })

const DEMANDED = { TLS_CLIENT_CA_FILE: clients.certFile }
const WELCOME = { ...DEMANDED, TLS_CLIENT_CERT: 'optional' }

function serving (more: Environment): { readonly env: Environment } {
  return { env: { TLS_CERT_FILES: server.certFile, TLS_KEY_FILES: server.keyFile, ...more } }
}

function showing (certificate?: Issued): { ca: string, cert?: string, key?: string } {
  return { ca: root.cert, ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }) }
}

/** What Client-Cert says of a certificate. */
function asField ({ cert }: Issued): string {
  return `:${new X509Certificate(cert).raw.toString('base64')}:`
}

/** Whether a client with this certificate is answered; one that is refused is told so in the handshake or right behind it. */
async function isServed (s: Http2Scenario, gateway: Gateway, certificate?: Issued): Promise<boolean> {
  const client = await TlsClient.connect(gateway.port, showing(certificate)).catch(() => undefined)
  if (client === undefined) return false
  s.atEnd(() => client.leave())
  client.get('/')
  return await client.answer().then(({ status }) => status === 200, () => false)
}

for (const [name, env] of [['optional', WELCOME], ['required', { ...DEMANDED, TLS_CLIENT_CERT: 'required' }], ['required by default', DEMANDED]] as const) {
  http2Scenario(`${name}: the certificate of a client goes to the backend`, async (s, t) => {
    const origin = await s.origin('a')
    const gateway = await s.gateway([origin], serving(env))
    const client = await s.tlsClient(gateway, showing(alice))
    client.get('/', ['client-cert: :bm9uZQ==:', 'Client-Cert-Chain: :bm9uZQ==:'])
    t.equal((await client.answer()).status, 200)
    t.equal(origin.requests[0]?.headers['client-cert'], asField(alice))
    t.notOk('client-cert-chain' in (origin.requests[0]?.headers ?? {}))
  })

  http2Scenario(`${name}: the certificate of another authority, and one that is not for clients, do not get in`, async (s, t) => {
    const origin = await s.origin('a')
    const gateway = await s.gateway([origin], serving(env))
    for (const certificate of [mallory, misused]) t.equal(await isServed(s, gateway, certificate), false, certificate.name)
    t.equal(origin.requests.length, 0)
    t.equal(await isServed(s, gateway, alice), true)
  })
}

http2Scenario('optional: a client without a certificate is served, and the backend is told of none', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving(WELCOME))
  const client = await s.tlsClient(gateway, showing())
  client.get('/', [`client-cert: ${asField(alice)}`])
  t.equal((await client.answer()).status, 200)
  t.notOk('client-cert' in (origin.requests[0]?.headers ?? {}))
})

http2Scenario('required: a client without a certificate does not get in', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving(DEMANDED))
  t.equal(await isServed(s, gateway), false)
  t.equal(origin.requests.length, 0)
})

http2Scenario('nobody is asked for a certificate that nobody could vouch for', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving({}))
  t.equal(await isServed(s, gateway, mallory), true)
  t.notOk('client-cert' in (origin.requests[0]?.headers ?? {}))
})

http2Scenario('over HTTP/2 the backend is told the same', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], serving(DEMANDED))
  const session = await s.session(gateway, showing(alice), `https://127.0.0.1:${gateway.port}`)
  for (let i = 0; i < 2; i++) t.equal((await http2Call(session, { fields: ['client-cert', ':bm9uZQ==:'] })).status, 200)
  t.same(origin.requests.map(({ headers }) => headers['client-cert']), [asField(alice), asField(alice)])
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  http2Scenario(`a client that resumes its session (${version}) is still known by its certificate`, async (s, t) => {
    const origin = await s.origin('a')
    const gateway = await s.gateway([origin], serving(WELCOME))
    const options = { ...showing(alice), minVersion: version, maxVersion: version }
    const first = await s.tlsClient(gateway, options)
    first.get('/')
    await first.answer()
    const session = first.socket.getSession()
    const again = await s.tlsClient(gateway, { ...options, ...(session !== undefined && { session }) })
    again.get('/')
    t.equal((await again.answer()).status, 200)
    t.equal(again.socket.isSessionReused(), true)
    t.same(origin.requests.map(({ headers }) => headers['client-cert']), [asField(alice), asField(alice)])
  })
}

http2Scenario('without TLS a Client-Cert of the client\'s own making is dropped', async (s, t) => {
  const origin = await s.origin('a')
  const gateway = await s.gateway([origin], { env: { TRUST_PROXY: '127.0.0.1' } })
  const client = await s.client(gateway)
  client.get('/', [`client-cert: ${asField(alice)}`, `client-cert-chain: ${asField(alice)}`])
  t.equal((await client.answer()).status, 200)
  t.notOk('client-cert' in (origin.requests[0]?.headers ?? {}) || 'client-cert-chain' in (origin.requests[0]?.headers ?? {}))
})
