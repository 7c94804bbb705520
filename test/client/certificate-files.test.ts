import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type CertificateFiles, type FilesReading, listedFiles, readCertificateFiles, stampOf } from '../../src/client/certificate-files.ts'
import { hasOpenssl, makeCa } from '../kit/pki.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const root = makeCa(t.testdir(), 'root')
const one = root.issue({ name: 'one', dnsNames: ['one.example'] })
const other = root.issue({ name: 'other', dnsNames: ['other.example'] })
const chained = root.subordinate('middle').issue({ name: 'chained' })

const NOT_PEM = 'is not in PEM, or is cut short: give whole certificates, each from -----BEGIN CERTIFICATE----- to its end line'
const UNREADABLE = 'give the path of a file that is there and that this user may read'

const read = (files: CertificateFiles): FilesReading => readCertificateFiles(files, { cert: 'CERTS', key: 'KEYS', ca: 'CA' })

t.test('pairs come in the order of the files, each with its whole chain', (t) => {
  const { pairs, ca, faults } = read({
    certFiles: [one.certFile, chained.certFile], keyFiles: [one.keyFile, chained.keyFile], caFile: root.certFile
  })
  t.same(pairs.map(({ own, chain }) => [own.subject, chain.length]), [['CN=one', 1], ['CN=chained', 2]])
  t.same(pairs.map(({ cert, key }) => ({ cert, key })), [one, chained].map(({ cert, key }) => ({ cert, key })))
  t.same(ca, [root.cert])
  t.same(faults, [])
  t.end()
})

t.test('every fault is named at once, with the file and what to change', (t) => {
  const dir = t.testdir({ 'text.pem': 'no certificate', 'key.pem': 'no key', 'ca.pem': '' })
  const file = (name: string): string => join(dir, name)
  t.same(read({
    certFiles: [file('none.pem'), dir, file('text.pem'), one.certFile, other.certFile],
    keyFiles: [one.keyFile, file('key.pem'), one.keyFile, file('none.key'), one.keyFile],
    caFile: file('ca.pem')
  }).faults, [
    `CERTS: certificate file "${file('none.pem')}" cannot be read (ENOENT): ${UNREADABLE}`,
    `CERTS: certificate file "${dir}" cannot be read (EISDIR): ${UNREADABLE}`,
    `CERTS: certificate file "${file('text.pem')}" ${NOT_PEM}`,
    `KEYS: key file "${file('key.pem')}" holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`,
    `KEYS: key file "${file('none.key')}" cannot be read (ENOENT): ${UNREADABLE}`,
    `CA: CA file "${file('ca.pem')}" ${NOT_PEM}`,
    `KEYS: key file "${one.keyFile}" does not match the certificate in "${other.certFile}": ` +
      'name the key files in the order of their certificate files, and put the own certificate first in its file'
  ])
  t.end()
})

t.test('each certificate file needs its key file', (t) => {
  t.same(read({ certFiles: [one.certFile, other.certFile], keyFiles: [one.keyFile] }), {
    pairs: [],
    ca: undefined,
    faults: ['CERTS and KEYS belong together (certificate files: 2, key files: 1): name one key file for each certificate file, in the same order']
  })
  t.same(read({ certFiles: [], keyFiles: [one.keyFile] }).faults, [
    'CERTS and KEYS belong together (certificate files: 0, key files: 1): name one key file for each certificate file, in the same order'
  ])
  t.same(read({ certFiles: [], keyFiles: [] }).faults, [], 'whether there must be any is for others to say')
  t.end()
})

t.test('what looks like PEM and is no certificate is refused', (t) => {
  const certFile = join(t.testdir({ 'c.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' }), 'c.pem')
  const { faults } = read({ certFiles: [certFile], keyFiles: [one.keyFile] })
  t.match(faults, [/^CERTS: certificate file ".*c\.pem" holds a certificate that cannot be read \(\S.*\): write the file anew$/])
  t.equal(faults.length, 1)
  t.end()
})

t.test('a chain that ends within a certificate is refused, and so is a key that is cut short', (t) => {
  const dir = t.testdir({ 'c.pem': chained.cert.slice(0, -100), 'k.pem': chained.key.slice(0, -100) })
  const [certFile, keyFile] = [join(dir, 'c.pem'), join(dir, 'k.pem')]
  t.same(read({ certFiles: [certFile], keyFiles: [keyFile] }).faults, [
    `CERTS: certificate file "${certFile}" ${NOT_PEM}`,
    `KEYS: key file "${keyFile}" holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`
  ])
  t.end()
})

t.test('a chain that starts with another certificate than the server\'s own is refused', (t) => {
  const certFile = join(t.testdir({ 'c.pem': `${root.cert}${one.cert}` }), 'c.pem')
  t.match(read({ certFiles: [certFile], keyFiles: [one.keyFile] }).faults, [/does not match .* own certificate first in its file$/])
  t.end()
})

t.test('text around the certificates and Windows line ends are let pass', (t) => {
  const text = `subject: one\n${one.cert}\nissuer: root\n${root.cert}`.replaceAll('\n', '\r\n')
  const dir = t.testdir({ 'c.pem': text, 'k.pem': one.key.replaceAll('\n', '\r\n') })
  const { pairs, faults } = read({ certFiles: [join(dir, 'c.pem')], keyFiles: [join(dir, 'k.pem')] })
  t.same(faults, [])
  t.same(pairs.map(({ cert }) => cert), [`${one.cert}${root.cert}`])
  t.end()
})

t.test('a list of files is separated by commas, with blanks around them or empty entries', (t) => {
  t.same(listedFiles(' a.pem , b c.pem,, '), ['a.pem', 'b c.pem'])
  t.same(listedFiles(' , '), [])
  t.end()
})

t.test('a key with a passphrase is refused', (t) => {
  const dir = t.testdir()
  const [sec1, pkcs8] = [join(dir, 'sec1.key'), join(dir, 'pkcs8.key')]
  execFileSync('openssl', ['ec', '-in', one.keyFile, '-aes128', '-passout', 'pass:secret', '-out', sec1], { stdio: 'ignore' })
  execFileSync('openssl', ['pkcs8', '-topk8', '-in', one.keyFile, '-passout', 'pass:secret', '-out', pkcs8], { stdio: 'ignore' })
  for (const keyFile of [sec1, pkcs8]) {
    t.same(read({ certFiles: [one.certFile], keyFiles: [keyFile] }).faults, [
      `KEYS: key file "${keyFile}" is protected by a passphrase: store the key without one, readable for this user alone`
    ])
  }
  t.end()
})

t.test('the stamp changes with any of the files: its size, its time, its inode, where its link leads, whether it is there', (t) => {
  const dir = t.testdir({ 'cert.pem': 'a', 'key.pem': 'b', 'ca.pem': 'c', 'same.pem': 'd' })
  const [certFile, keyFile, caFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'ca.pem')]
  const at = new Date(0)
  for (const name of ['cert.pem', 'key.pem', 'ca.pem', 'same.pem']) utimesSync(join(dir, name), at, at)
  symlinkSync('cert.pem', join(dir, 'link.pem'))
  const stamp = (): string => stampOf({ certFiles: [join(dir, 'link.pem')], keyFiles: [keyFile], caFile })
  const seen = new Set([stamp()])
  t.ok(seen.has(stamp()), 'not by itself')
  const changes = (what: string, change: () => void): void => {
    change()
    t.notOk(seen.has(stamp()), what)
    seen.add(stamp())
  }
  changes('size', () => { writeFileSync(keyFile, 'bb'); utimesSync(keyFile, at, at) })
  changes('time', () => utimesSync(caFile, new Date(1), new Date(1)))
  changes('inode', () => renameSync(join(dir, 'same.pem'), certFile))
  changes('link', () => {
    copyFileSync(certFile, join(dir, 'elsewhere.pem'))
    symlinkSync('elsewhere.pem', join(dir, 'new.pem'))
    renameSync(join(dir, 'new.pem'), join(dir, 'link.pem'))
  })
  changes('gone', () => renameSync(keyFile, `${keyFile}.away`))
  t.end()
})
