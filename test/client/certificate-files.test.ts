import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCertificateFiles, stampOf } from '../../src/client/certificate-files.ts'
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

t.test('pairs come in the order of the files, each with its whole chain', (t) => {
  const { pairs, clientCa, faults } = readCertificateFiles({
    certFiles: [one.certFile, chained.certFile], keyFiles: [one.keyFile, chained.keyFile], clientCaFile: root.certFile
  })
  t.same(pairs.map(({ own, chain }) => [own.subject, chain.length]), [['CN=one', 1], ['CN=chained', 2]])
  t.same(pairs.map(({ cert, key }) => ({ cert, key })), [one, chained].map(({ cert, key }) => ({ cert, key })))
  t.same(clientCa, [root.cert])
  t.same(faults, [])
  t.end()
})

t.test('every fault is named at once, with the file and what to change', (t) => {
  const dir = t.testdir({ 'text.pem': 'no certificate', 'key.pem': 'no key', 'ca.pem': '' })
  const file = (name: string): string => join(dir, name)
  t.same(readCertificateFiles({
    certFiles: [file('none.pem'), dir, file('text.pem'), one.certFile, other.certFile],
    keyFiles: [one.keyFile, file('key.pem'), one.keyFile, file('none.key'), one.keyFile],
    clientCaFile: file('ca.pem')
  }).faults, [
    `certificate file "${file('none.pem')}" cannot be read (ENOENT): ${UNREADABLE}`,
    `certificate file "${dir}" cannot be read (EISDIR): ${UNREADABLE}`,
    `certificate file "${file('text.pem')}" ${NOT_PEM}`,
    `key file "${file('key.pem')}" holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`,
    `key file "${file('none.key')}" cannot be read (ENOENT): ${UNREADABLE}`,
    `client CA file "${file('ca.pem')}" ${NOT_PEM}`,
    `key file "${one.keyFile}" does not match the certificate in "${other.certFile}": ` +
      'name the key files in the order of their certificate files, and put the server\'s own certificate first in its file'
  ])
  t.end()
})

t.test('each certificate file needs its key file', (t) => {
  t.same(readCertificateFiles({ certFiles: [one.certFile, other.certFile], keyFiles: [one.keyFile] }), {
    pairs: [],
    clientCa: undefined,
    faults: ['certificate files: 2, key files: 1: name one key file for each certificate file, in the same order']
  })
  t.same(readCertificateFiles({ certFiles: [], keyFiles: [one.keyFile] }).faults, [
    'certificate files: 0, key files: 1: name one key file for each certificate file, in the same order'
  ])
  t.same(readCertificateFiles({ certFiles: [], keyFiles: [] }).faults, ['no certificate file is named: name at least one, and its key file'])
  t.end()
})

t.test('what looks like PEM and is no certificate is refused', (t) => {
  const certFile = join(t.testdir({ 'c.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' }), 'c.pem')
  const { faults } = readCertificateFiles({ certFiles: [certFile], keyFiles: [one.keyFile] })
  t.match(faults, [/^certificate file ".*c\.pem" holds a certificate that cannot be read \(\S.*\): write the file anew$/])
  t.equal(faults.length, 1)
  t.end()
})

t.test('a chain that ends within a certificate is refused, and so is a key that is cut short', (t) => {
  const dir = t.testdir({ 'c.pem': chained.cert.slice(0, -100), 'k.pem': chained.key.slice(0, -100) })
  const [certFile, keyFile] = [join(dir, 'c.pem'), join(dir, 'k.pem')]
  t.same(readCertificateFiles({ certFiles: [certFile], keyFiles: [keyFile] }).faults, [
    `certificate file "${certFile}" ${NOT_PEM}`,
    `key file "${keyFile}" holds no whole private key in PEM: give one that starts with -----BEGIN PRIVATE KEY-----`
  ])
  t.end()
})

t.test('a chain that starts with another certificate than the server\'s own is refused', (t) => {
  const certFile = join(t.testdir({ 'c.pem': `${root.cert}${one.cert}` }), 'c.pem')
  t.match(readCertificateFiles({ certFiles: [certFile], keyFiles: [one.keyFile] }).faults, [/does not match .* own certificate first in its file$/])
  t.end()
})

t.test('text around the certificates and Windows line ends are let pass', (t) => {
  const text = `subject: one\n${one.cert}\nissuer: root\n${root.cert}`.replaceAll('\n', '\r\n')
  const dir = t.testdir({ 'c.pem': text, 'k.pem': one.key.replaceAll('\n', '\r\n') })
  const { pairs, faults } = readCertificateFiles({ certFiles: [join(dir, 'c.pem')], keyFiles: [join(dir, 'k.pem')] })
  t.same(faults, [])
  t.same(pairs.map(({ cert }) => cert), [`${one.cert}${root.cert}`])
  t.end()
})

t.test('a key with a passphrase is refused', (t) => {
  const dir = t.testdir()
  const [sec1, pkcs8] = [join(dir, 'sec1.key'), join(dir, 'pkcs8.key')]
  execFileSync('openssl', ['ec', '-in', one.keyFile, '-aes128', '-passout', 'pass:secret', '-out', sec1], { stdio: 'ignore' })
  execFileSync('openssl', ['pkcs8', '-topk8', '-in', one.keyFile, '-passout', 'pass:secret', '-out', pkcs8], { stdio: 'ignore' })
  for (const keyFile of [sec1, pkcs8]) {
    t.same(readCertificateFiles({ certFiles: [one.certFile], keyFiles: [keyFile] }).faults, [
      `key file "${keyFile}" is protected by a passphrase: store the key without one, readable for this user alone`
    ])
  }
  t.end()
})

t.test('the stamp changes with any of the files: its size, its time, its inode, where its link leads, whether it is there', (t) => {
  const dir = t.testdir({ 'cert.pem': 'a', 'key.pem': 'b', 'ca.pem': 'c', 'same.pem': 'd' })
  const [certFile, keyFile, clientCaFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'ca.pem')]
  const at = new Date(0)
  for (const name of ['cert.pem', 'key.pem', 'ca.pem', 'same.pem']) utimesSync(join(dir, name), at, at)
  symlinkSync('cert.pem', join(dir, 'link.pem'))
  const stamp = (): string => stampOf({ certFiles: [join(dir, 'link.pem')], keyFiles: [keyFile], clientCaFile })
  const seen = new Set([stamp()])
  t.ok(seen.has(stamp()), 'not by itself')
  const changes = (what: string, change: () => void): void => {
    change()
    t.notOk(seen.has(stamp()), what)
    seen.add(stamp())
  }
  changes('size', () => { writeFileSync(keyFile, 'bb'); utimesSync(keyFile, at, at) })
  changes('time', () => utimesSync(clientCaFile, new Date(1), new Date(1)))
  changes('inode', () => renameSync(join(dir, 'same.pem'), certFile))
  changes('link', () => {
    copyFileSync(certFile, join(dir, 'elsewhere.pem'))
    symlinkSync('elsewhere.pem', join(dir, 'new.pem'))
    renameSync(join(dir, 'new.pem'), join(dir, 'link.pem'))
  })
  changes('gone', () => renameSync(keyFile, `${keyFile}.away`))
  t.end()
})
