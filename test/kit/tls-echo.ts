/** A TLS listener that shows the certificates of the configuration and echoes, and clients that look at what they are shown. */
import { once } from 'node:events'
import * as tls from 'node:tls'
import type { Test } from 'tap'
import { type CertificateOptions, Certificates } from '../../src/client/certificates.ts'
import type { PairFiles } from './pki.ts'
import { portOf } from './port.ts'
import { within } from './until.ts'

/** The options that name these pairs. */
export function optionsFor (pairs: readonly PairFiles[], more: Partial<CertificateOptions> = {}): CertificateOptions {
  return { certFiles: pairs.map(({ certFile }) => certFile), keyFiles: pairs.map(({ keyFile }) => keyFile), minVersion: 'TLSv1.2', ...more }
}

export class TlsEcho {
  readonly certificates: Certificates
  readonly server: tls.Server
  readonly #t: Test
  readonly #ca: string

  private constructor (t: Test, certificates: Certificates, ca: string) {
    this.certificates = certificates
    this.#t = t
    this.#ca = ca
    this.server = tls.createServer({
      ...certificates.serverOptions,
      SNICallback: (servername, callback) => callback(null, certificates.contextFor(servername)),
      requestCert: certificates.serverOptions.ca !== undefined
    }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    this.server.on('tlsClientError', () => {})
  }

  /** Listens until the test ends. Its clients trust `ca`. Client certificates are demanded where there is a client CA. */
  static async start (t: Test, { cert }: { readonly cert: string }, options: CertificateOptions): Promise<TlsEcho> {
    const echo = new TlsEcho(t, Certificates.load(options), cert)
    echo.server.listen(0, '127.0.0.1')
    await once(echo.server, 'listening')
    t.teardown(() => echo.server.close())
    return echo
  }

  /**
   * Connects a client, until the test ends, and sees that both sides are content: with TLS 1.3 a client learns only after its own
   * handshake that it was refused. Without `servername` it sends no SNI.
   */
  async connect (servername?: string, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({
      host: '127.0.0.1',
      port: portOf(this.server),
      ca: this.#ca,
      checkServerIdentity: () => undefined,
      ...(servername !== undefined && { servername }),
      ...options
    })
    this.#t.teardown(() => socket.destroy())
    await ping(socket)
    return socket
  }

  /** The certificate that a new client is shown, by its common name. */
  async shown (servername?: string, options?: tls.ConnectionOptions): Promise<string> {
    return shownTo(await this.connect(servername, options))
  }
}

/** The common name of the certificate that this client was shown. */
export function shownTo (client: tls.TLSSocket): string {
  return String(client.getPeerX509Certificate()?.subject.slice('CN='.length))
}

/** Sends something and waits for its echo. */
export async function ping (client: tls.TLSSocket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  client.once('data', (chunk) => resolve(chunk.toString()))
  client.once('error', reject)
  client.once('close', () => reject(new Error('the connection was closed')))
  client.write('ping')
  return await within('the echo', promise)
}
