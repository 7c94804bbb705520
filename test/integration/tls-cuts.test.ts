/** Over TLS a client of HTTP/1.0 tells a cut answer from a whole one by the alert that ends the connection: as openssl sees it. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type Behaviour, closeDelimited, cutBody, cutChunked, hasOpenssl, http2Scenario, makeCa, until } from '../helper.ts'

if (!hasOpenssl()) {
  t.plan(0, 'openssl is not installed (apt-get install openssl)')
  process.exit()
}

const { certFile, keyFile } = makeCa(t.testdir(), 'root').issue({ name: 'gateway', ipAddresses: ['127.0.0.1'], days: 30 })
const CUT = 'unexpected eof'

const CASES: ReadonlyArray<readonly [what: string, behaviour: Behaviour, isCut: boolean]> = [
  ['a whole answer', closeDelimited('all of it', 'fin'), false],
  ['an answer without a length whose backend breaks off', closeDelimited('some of it', 'reset'), true],
  ['an answer with a length that is cut', cutBody('some of it', 100, 'fin', Promise.resolve()), true],
  ['an answer in chunks that is cut', cutChunked('some of it', 'fin', Promise.resolve()), true]
]

for (const [what, behaviour, isCut] of CASES) {
  http2Scenario(`${what} ends ${isCut ? 'without' : 'with'} close_notify`, async (s, t) => {
    const origin = await s.scripted('a', behaviour)
    const gateway = await s.gateway([origin], { env: { TLS_CERT_FILES: certFile, TLS_KEY_FILES: keyFile } })
    // An answer may be cut before its head was passed on: then there is an error in its place.
    const [answer, complaint] = await ask(gateway.port)
    t.match(answer, isCut ? /some of it|502/ : /all of it/)
    if (answer.includes('of it')) t.equal(complaint.includes(CUT), isCut, complaint)
    await until('nothing in flight', () => gateway.inFlight === 0)
  })
}

/** What the client gets, and what it complains of. */
async function ask (port: number): Promise<[answer: string, complaint: string]> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-quiet'])
  client.stdin.on('error', () => {})
  client.stdin.write('GET / HTTP/1.0\r\nHost: client.test\r\n\r\n')
  return await Promise.all([text(client.stdout), text(client.stderr)])
}
