/** `fastify.clientTls`: TLS for clients. Certificates are taken anew when their files change; connections that are open go on. */
import { hkdfSync } from 'node:crypto'
import { clearInterval, setInterval } from 'node:timers'
import * as tls from 'node:tls'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { stampOf } from '../src/client/certificate-files.ts'
import { type CertificateOptions, certificateOptions, Certificates } from '../src/client/certificates.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Shakes hands on connections that it is given, and listens nowhere; null when clients are served without TLS. */
    readonly clientTls: tls.Server | null
  }
}

export interface ClientTlsOptions {
  /** What the keys of session tickets are made of, so that several threads take each other's tickets. Default: keys of its own. */
  readonly ticketSecret?: Uint8Array | undefined
}

/** A certificate that expires in less than this is warned of at the start, in ms. */
const EXPIRES_SOON_MS = 14 * 24 * 3_600_000

/** A name, a key for the code of authentication, and one for the cipher, of 16 bytes each. */
const TICKET_KEYS_BYTES = 48

async function clientTls (fastify: FastifyInstance, { ticketSecret }: ClientTlsOptions): Promise<void> {
  const { config, log } = fastify
  const options = certificateOptions(config)
  if (options === undefined) {
    fastify.decorate('clientTls', null)
    return
  }
  const certificates = Certificates.load(options)
  const server = tls.createServer({
    ...certificates.serverOptions,
    SNICallback: (name, done) => done(null, certificates.contextFor(name)),
    ALPNProtocols: config.HTTP2 === 'off' ? ['http/1.1'] : ['h2', 'http/1.1'],
    handshakeTimeout: config.CLIENT_HEADERS_TIMEOUT_MS,
    ...(config.TLS_CLIENT_CA_FILE !== '' && { requestCert: true, rejectUnauthorized: config.TLS_CLIENT_CERT === 'required' })
  })
  server.on('tlsClientError', (error, socket) => {
    log.debug({ client: socket.remoteAddress, cause: error.message }, 'TLS handshake failed')
    socket.destroy()
  })
  const shareTickets = (): void => { if (ticketSecret !== undefined) server.setTicketKeys(ticketKeys(ticketSecret, options)) }
  shareTickets()
  fastify.decorate('clientTls', server)
  if (certificates.expiresAtMs - Date.now() < EXPIRES_SOON_MS) {
    log.warn({ expiresAt: new Date(certificates.expiresAtMs).toISOString() }, 'a certificate of TLS_CERT_FILES expires soon, or has expired')
  }

  let lastFault: string | undefined
  const timer = setInterval(() => {
    const outcome = certificates.reload()
    if (outcome.changed) {
      server.setSecureContext(certificates.serverOptions)
      shareTickets()
      log.info('certificates reloaded')
    } else if (outcome.fault !== undefined && outcome.fault !== lastFault) {
      log.error({ fault: outcome.fault }, 'changed certificates cannot be used: the old ones stay in force')
    }
    lastFault = outcome.changed ? undefined : outcome.fault
  }, config.TLS_RELOAD_INTERVAL_MS)
  timer.unref()
  fastify.addHook('onClose', async () => clearInterval(timer))
}

/**
 * The same in every thread that has the secret and sees the same files. Other files make other keys: tickets of before, with which
 * a client is let in whose authority is trusted no more, are void then.
 */
function ticketKeys (secret: Uint8Array, options: CertificateOptions): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', stampOf(options), TICKET_KEYS_BYTES))
}

export default fp(clientTls, { name: 'fastlancer-client-tls', fastify: '5.x', dependencies: ['fastlancer-config'] })
