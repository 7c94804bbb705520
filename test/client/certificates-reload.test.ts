/** Certificates that are replaced while the listener runs. */
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Certificates } from '../../src/client/certificates.ts'
import { hasOpenssl, type Issued, makeCa } from '../kit/pki.ts'
import { optionsFor, ping, shownTo, TlsEcho } from '../kit/tls-echo.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const pki = t.testdir()
const root = makeCa(pki, 'root')
const first = root.issue({ name: 'first', dnsNames: ['first.example'] })
const renewed = root.issue({ name: 'renewed', dnsNames: ['first.example'] })
const other = root.issue({ name: 'other', dnsNames: ['other.example'] })
const moved = root.issue({ name: 'moved', dnsNames: ['moved.example', '*.moved.example'], days: 1 })

interface Installed {
  readonly certFile: string
  readonly keyFile: string
  /** Overwrites the files. */
  install: (certificate: Pick<Issued, 'certFile'>, key: Pick<Issued, 'keyFile'>) => void
}

/** A pair at a place of its own, so that it can be replaced. */
function installed (pair: Issued, name = 'pair'): Installed {
  const dir = mkdtempSync(join(pki, `${name}-`))
  const [certFile, keyFile] = [join(dir, 'tls.crt'), join(dir, 'tls.key')]
  const install: Installed['install'] = (certificate, key) => {
    copyFileSync(certificate.certFile, certFile)
    copyFileSync(key.keyFile, keyFile)
  }
  install(pair, pair)
  return { certFile, keyFile, install }
}

t.test('files that stay as they are change nothing', (t) => {
  const certificates = Certificates.load(optionsFor([first]))
  const before = certificates.contextFor(undefined)
  t.same(certificates.reload(), { changed: false })
  t.equal(certificates.contextFor(undefined), before)
  t.end()
})

t.test('a new certificate is shown to new clients, while an open connection goes on', async (t) => {
  const files = installed(first)
  const listener = await TlsEcho.start(t, root, optionsFor([files, other]))
  const open = await listener.connect('first.example')
  files.install(renewed, renewed)
  t.same(listener.certificates.reload(), { changed: true })
  listener.server.setSecureContext(listener.certificates.serverOptions)
  t.equal(await listener.shown('first.example'), 'renewed')
  t.equal(await listener.shown(), 'renewed')
  t.equal(await ping(open), 'ping')
  t.equal(shownTo(open), 'first')
  t.same(listener.certificates.reload(), { changed: false })
})

t.test('new names and a new expiry are taken over, and the old ones go', (t) => {
  const files = installed(first)
  const certificates = Certificates.load(optionsFor([other, files]))
  const before = certificates.expiresAtMs
  files.install(moved, moved)
  t.same(certificates.reload(), { changed: true })
  t.equal(certificates.contextFor('first.example'), certificates.contextFor(undefined))
  t.not(certificates.contextFor('moved.example'), certificates.contextFor(undefined))
  t.equal(certificates.contextFor('a.moved.example'), certificates.contextFor('moved.example'))
  t.ok(certificates.expiresAtMs < before)
  t.end()
})

t.test('a new certificate whose key is still the old one changes nothing, until the key follows', async (t) => {
  const files = installed(first)
  const listener = await TlsEcho.start(t, root, optionsFor([files]))
  files.install(renewed, first)
  for (let i = 0; i < 2; i++) {
    t.match(listener.certificates.reload(), { changed: false, fault: /^TLS_KEY_FILES: key file ".*tls\.key" does not match the certificate in ".*tls\.crt"/ })
    t.equal(await listener.shown('first.example'), 'first')
  }
  files.install(renewed, renewed)
  t.same(listener.certificates.reload(), { changed: true })
  t.equal(await listener.shown('first.example'), 'renewed')
})

t.test('one broken pair keeps the other ones as they were, too', (t) => {
  const [broken, good] = [installed(first, 'broken'), installed(other, 'good')]
  const certificates = Certificates.load(optionsFor([broken, good]))
  const before = certificates.contextFor('other.example')
  truncateSync(broken.certFile, 100)
  good.install(moved, moved)
  t.match(certificates.reload(), { changed: false, fault: /broken-\w+\/tls\.crt" is not in PEM, or is cut short/ })
  t.equal(certificates.contextFor('other.example'), before)
  t.end()
})

t.test('files that are gone change nothing, and are no fault any more once they are back as they were', (t) => {
  const { certFile, keyFile } = installed(first)
  const certificates = Certificates.load(optionsFor([{ certFile, keyFile }]))
  const before = certificates.contextFor(undefined)
  for (const file of [certFile, keyFile]) renameSync(file, `${file}.away`)
  t.match(certificates.reload(), { changed: false, fault: /^TLS_CERT_FILES: certificate file .* \(ENOENT\).*\nTLS_KEY_FILES: key file .* \(ENOENT\).*$/ })
  for (const file of [certFile, keyFile]) renameSync(`${file}.away`, file)
  t.same(certificates.reload(), { changed: false })
  t.equal(certificates.contextFor(undefined), before)
  t.end()
})

t.test('a link that leads elsewhere is followed, as Kubernetes swaps the files of a secret', async (t) => {
  const dir = t.testdir()
  const store = (revision: string, pair: Issued): void => {
    mkdirSync(join(dir, revision))
    copyFileSync(pair.certFile, join(dir, revision, 'tls.crt'))
    copyFileSync(pair.keyFile, join(dir, revision, 'tls.key'))
  }
  store('..1', first)
  symlinkSync('..1', join(dir, '..data'))
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(dir, name))
  const listener = await TlsEcho.start(t, root, optionsFor([{ certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') }]))
  t.equal(await listener.shown('first.example'), 'first')
  store('..2', renewed)
  symlinkSync('..2', join(dir, '..new'))
  renameSync(join(dir, '..new'), join(dir, '..data'))
  t.same(listener.certificates.reload(), { changed: true })
  t.equal(await listener.shown('first.example'), 'renewed')
})

t.test('with a new client CA the clients of the old one stay out, also those with a TLS session of before', async (t) => {
  const [before, after] = [makeCa(pki, 'before'), makeCa(pki, 'after')]
  const caFile = join(t.testdir(), 'ca.pem')
  copyFileSync(before.certFile, caFile)
  const listener = await TlsEcho.start(t, root, optionsFor([first], { caFile }))
  const old = certificateOf(before.issue({ name: 'old', client: true }))
  const fresh = certificateOf(after.issue({ name: 'fresh', client: true }))
  const session = (await listener.connect('first.example', old)).getSession()
  const returning = { ...old, ...(session !== undefined && { session }) }
  t.equal((await listener.connect('first.example', returning)).isSessionReused(), true)
  await t.rejects(listener.connect('first.example', fresh))
  copyFileSync(after.certFile, caFile)
  t.same(listener.certificates.reload(), { changed: true })
  listener.server.setSecureContext(listener.certificates.serverOptions)
  t.equal(await listener.shown('first.example', fresh), 'first')
  await t.rejects(listener.connect('first.example', old))
  await t.rejects(listener.connect('first.example', returning))
})

t.test('a broken client CA file changes nothing', async (t) => {
  const clients = makeCa(pki, 'clients')
  const caFile = join(t.testdir(), 'ca.pem')
  copyFileSync(clients.certFile, caFile)
  const listener = await TlsEcho.start(t, root, optionsFor([first], { caFile }))
  writeFileSync(caFile, 'broken')
  t.match(listener.certificates.reload(), { changed: false, fault: /^TLS_CLIENT_CA_FILE: CA file ".*ca\.pem" is not in PEM/ })
  t.equal(await listener.shown('first.example', certificateOf(clients.issue({ name: 'client', client: true }))), 'first')
})

/** What a client needs of it. */
function certificateOf ({ cert, key }: Issued): Pick<Issued, 'cert' | 'key'> {
  return { cert, key }
}
