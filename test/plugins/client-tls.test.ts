/** `fastify.clientTls`: there with certificates, null without. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { Gateway, hasOpenssl, http2Scenario, makeCa, type PairFiles } from '../helper.ts'

http2Scenario('without certificates there is none', async (s, t) => {
  const gateway = await s.gateway([await s.origin('a')])
  t.equal(gateway.app.clientTls, null)
})

if (hasOpenssl()) {
  const root = makeCa(t.testdir(), 'root')
  const [pair, other] = [root.issue({ name: 'one', ipAddresses: ['127.0.0.1'], days: 30 }), root.issue({ name: 'two', dnsNames: ['two.example'], days: 30 })]

  http2Scenario('with certificates it shakes hands, and listens nowhere itself', async (s, t) => {
    const env = { TLS_CERT_FILES: ` ${pair.certFile} , ${other.certFile}, `, TLS_KEY_FILES: `${pair.keyFile},${other.keyFile}` }
    const gateway = await s.gateway([await s.origin('a')], { env })
    t.equal(gateway.app.clientTls?.listening, false)
    const client = await s.tlsClient(gateway, { ca: root.cert, ALPNProtocols: ['h2', 'http/1.1'] })
    t.equal(client.socket.alpnProtocol, 'h2')
    t.equal((await s.tlsClient(gateway, { ca: root.cert, servername: 'two.example' })).shown, 'two')
  })

  void t.test('the certificates are looked at until the gateway closes, and no longer', async (t) => {
    const files = { certFile: join(t.testdir(), 'tls.crt'), keyFile: join(t.testdirName, 'tls.key') }
    const install = ({ certFile, keyFile }: PairFiles): void => {
      copyFileSync(certFile, files.certFile)
      copyFileSync(keyFile, files.keyFile)
    }
    install(pair)
    const intervalMs = 5
    const env = { TLS_CERT_FILES: files.certFile, TLS_KEY_FILES: files.keyFile, TLS_RELOAD_INTERVAL_MS: String(intervalMs) }
    const gateway = await Gateway.load([{ url: 'http://127.0.0.1:1' }], { env })
    install(other)
    await gateway.logs.wait('certificates reloaded')
    await gateway.app.close()
    install(pair)
    await wait(10 * intervalMs)
    t.equal(gateway.logs.of('certificates reloaded').length, 1)
  })
}
