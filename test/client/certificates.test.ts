import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { checkServerIdentity } from 'node:tls'
import t from 'tap'
import { certificateFaults, certificateOptions, Certificates } from '../../src/client/certificates.ts'
import { hasOpenssl, makeCa } from '../kit/pki.ts'
import { optionsFor, shownTo, TlsEcho } from '../kit/tls-echo.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const first = root.issue({ name: 'first', dnsNames: ['first.example'] })
const exact = root.issue({ name: 'exact', dnsNames: ['API.shop.example', 'shop.example'], ipAddresses: ['192.0.2.1'] })
const wildcard = root.issue({ name: 'wildcard', dnsNames: ['*.Shop.example'] })
const rsa = root.issue({ name: 'rsa', dnsNames: ['rsa.example', 'shop.example', '*.shop.example'], rsaBits: 2048 })

t.test('a client is shown the certificate that names the server it asks for', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, wildcard, exact]))
  t.equal(await listener.shown('shop.example'), 'exact')
  t.equal(await listener.shown('first.example'), 'first')
})

t.test('the whole name goes before a wildcard, wherever it stands in the configuration', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, wildcard, exact]))
  t.equal(await listener.shown('api.shop.example'), 'exact')
  t.equal(await listener.shown('www.shop.example'), 'wildcard')
})

t.test('a wildcard stands for one label, no more and no less', (t) => {
  const certificates = Certificates.load(optionsFor([first, wildcard]))
  t.equal(certificates.contextFor('a.b.shop.example'), certificates.contextFor(undefined))
  t.equal(certificates.contextFor('shop.example'), certificates.contextFor(undefined))
  t.equal(certificates.contextFor('.shop.example'), certificates.contextFor(undefined))
  t.not(certificates.contextFor('b.shop.example'), certificates.contextFor(undefined))
  t.end()
})

t.test('names are compared without regard to case', (t) => {
  const certificates = Certificates.load(optionsFor([first, wildcard, exact]))
  t.equal(certificates.contextFor('API.Shop.Example'), certificates.contextFor('shop.example'))
  t.equal(certificates.contextFor('WWW.shop.EXAMPLE'), certificates.contextFor('www.shop.example'))
  t.not(certificates.contextFor('WWW.shop.EXAMPLE'), certificates.contextFor(undefined))
  t.end()
})

t.test('an unknown name and no name get the first pair', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, exact]))
  t.equal(await listener.shown('unknown.example'), 'first')
  t.equal(await listener.shown(), 'first')
})

t.test('among several pairs for a name the first one wins', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, rsa, exact, wildcard]))
  t.equal(await listener.shown('shop.example'), 'rsa')
  t.equal(await listener.shown('www.shop.example'), 'rsa')
  t.equal(await listener.shown('api.shop.example'), 'exact')
})

t.test('the common name does not count', (t) => {
  const legacy = root.issue({ name: 'legacy.example' })
  const certificates = Certificates.load(optionsFor([first, legacy]))
  t.equal(certificates.contextFor('legacy.example'), certificates.contextFor(undefined))
  t.end()
})

t.test('a wildcard that clients do not accept does not count: right below the top, within a label, not in front', (t) => {
  const odd = root.issue({ name: 'odd', dnsNames: ['*.example', 'f*.odd.example', 'a.*.odd.example', 'odd.example'] })
  const certificates = Certificates.load(optionsFor([first, odd]))
  for (const name of ['some.example', 'foo.odd.example', 'f*.odd.example', 'a.b.odd.example', '*.example']) {
    t.equal(certificates.contextFor(name), certificates.contextFor(undefined), name)
  }
  t.not(certificates.contextFor('odd.example'), certificates.contextFor(undefined))
  t.end()
})

t.test('the chain of a file is sent whole, so that a client needs the root alone', async (t) => {
  const leaf = root.subordinate('middle').subordinate('lower').issue({ name: 'leaf', dnsNames: ['leaf.example'] })
  const listener = await TlsEcho.start(t, root, optionsFor([first, leaf]))
  const client = await listener.connect('leaf.example', { checkServerIdentity })
  t.equal(client.authorized, true)
  t.equal(shownTo(client), 'leaf')
})

t.test('one file can hold both certificate and key', async (t) => {
  const file = join(t.testdir({ 'both.pem': `${first.key}${first.cert}` }), 'both.pem')
  const listener = await TlsEcho.start(t, root, optionsFor([{ certFile: file, keyFile: file }]))
  t.equal(await listener.shown(), 'first')
})

t.test('minVersion holds with a name and without', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, exact], { minVersion: 'TLSv1.3' }))
  for (const name of ['shop.example', undefined]) {
    await t.rejects(listener.connect(name, { maxVersion: 'TLSv1.2' }), { message: /alert protocol version/ })
    t.equal((await listener.connect(name)).getProtocol(), 'TLSv1.3')
  }
})

t.test('TLS 1.2 is spoken when allowed, with forward secrecy and authenticated encryption only', async (t) => {
  const listener = await TlsEcho.start(t, root, optionsFor([first, rsa]))
  for (const name of ['rsa.example', undefined]) {
    t.equal((await listener.connect(name, { maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
  }
  for (const ciphers of ['ECDHE-RSA-AES128-SHA256', 'AES128-GCM-SHA256']) {
    await t.rejects(listener.connect('rsa.example', { maxVersion: 'TLSv1.2', ciphers }), { message: /alert handshake failure/ }, ciphers)
  }
})

t.test('clients are verified against the client CA, with a name and without', async (t) => {
  const clients = makeCa(pki, 'clients')
  const listener = await TlsEcho.start(t, root, optionsFor([first, exact], { caFile: clients.certFile }))
  const good = clients.issue({ name: 'good', client: true })
  const stranger = root.issue({ name: 'stranger', client: true })
  for (const name of ['shop.example', undefined]) {
    t.equal(await listener.shown(name, { cert: good.cert, key: good.key }), name === undefined ? 'first' : 'exact')
    await t.rejects(listener.connect(name, { cert: stranger.cert, key: stranger.key }), 'another authority')
    await t.rejects(listener.connect(name), 'no certificate')
  }
})

t.test('a client CA file can name several authorities', async (t) => {
  const [one, other] = [makeCa(pki, 'one'), makeCa(pki, 'other')]
  const caFile = join(t.testdir({ 'ca.pem': `# two\n${one.cert}\n${other.cert}` }), 'ca.pem')
  const listener = await TlsEcho.start(t, root, optionsFor([first], { caFile }))
  for (const ca of [one, other]) {
    const { cert, key } = ca.issue({ name: 'client', client: true })
    t.equal(await listener.shown(undefined, { cert, key }), 'first')
  }
})

t.test('load throws all faults in one message, a line each', (t) => {
  const missing = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' }
  t.throws(() => Certificates.load(optionsFor([missing, first], { caFile: '/nowhere/ca.crt' })), {
    message: /^TLS_CERT_FILES: .*"\/nowhere\/tls.crt" .*\nTLS_KEY_FILES: .*"\/nowhere\/tls.key" .*\nTLS_CLIENT_CA_FILE: .*"\/nowhere\/ca.crt" .*$/
  })
  t.throws(() => Certificates.load(optionsFor([])), { message: /^TLS_CERT_FILES: no certificate file is named: name at least one/ })
  t.end()
})

t.test('the same faults can be had without loading', (t) => {
  const missing = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' }
  t.match(certificateFaults(optionsFor([missing])), [/^TLS_CERT_FILES: /, /^TLS_KEY_FILES: /])
  t.same(certificateFaults(optionsFor([first])), [])
  t.end()
})

t.test('the configuration names lists of files; without certificates and keys there are no options', (t) => {
  t.equal(certificateOptions({}), undefined)
  t.equal(certificateOptions({ TLS_CERT_FILES: '', TLS_KEY_FILES: '', TLS_CLIENT_CA_FILE: 'ca.pem' }), undefined)
  t.same(certificateOptions({ TLS_CERT_FILES: 'a.pem, b.pem', TLS_KEY_FILES: 'a.key,b.key' }), {
    certFiles: ['a.pem', 'b.pem'], keyFiles: ['a.key', 'b.key'], minVersion: 'TLSv1.2'
  })
  t.same(certificateOptions({ TLS_KEY_FILES: 'a.key', TLS_CLIENT_CA_FILE: 'ca, 1.pem', TLS_MIN_VERSION: 'TLSv1.3' }), {
    certFiles: [], keyFiles: ['a.key'], caFile: 'ca, 1.pem', minVersion: 'TLSv1.3'
  })
  t.end()
})

t.test('load refuses a key that is too weak for TLS', (t) => {
  const weak = root.issue({ name: 'weak', dnsNames: ['weak.example'], rsaBits: 1024 })
  t.throws(() => Certificates.load(optionsFor([first, weak])), {
    message: /^TLS_CERT_FILES: certificate file ".*weak\.pem" cannot be used with key file ".*weak\.key" \(.*key too small\): issue both anew$/
  })
  t.end()
})

t.test('expiresAtMs is that of the certificate that expires first, the chain included', (t) => {
  const expiryOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo)
  const lasting = root.issue({ name: 'lasting', dnsNames: ['lasting.example'], days: 30 })
  t.equal(Certificates.load(optionsFor([lasting])).expiresAtMs, expiryOf(lasting.cert))
  t.equal(Certificates.load(optionsFor([lasting, first])).expiresAtMs, expiryOf(first.cert))
  const middle = root.subordinate('short-lived')
  const leaf = middle.issue({ name: 'long-lived', days: 30 })
  t.equal(Certificates.load(optionsFor([lasting, leaf])).expiresAtMs, expiryOf(middle.cert))
  t.end()
})
