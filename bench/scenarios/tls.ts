/** TLS between clients and the gateway. */
import { requestScenario } from './requests.ts'

export const tls = requestScenario({
  name: 'tls',
  title: 'TLS towards clients',
  about: 'Small GET on 64 kept connections (wrk), a certificate with a key of P-256, plain HTTP to the backends.',
  protocol: 'https',
  needs: ['tls']
})
