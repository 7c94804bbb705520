import t from 'tap'
import { relayedTrailers } from '../../src/wire/trailers.ts'

t.test('trailers go on in order, spelt as they are, repeated ones apart', async (t) => {
  const trailers = ['X-Checksum', 'abc', 'grpc-status', '0', 'Server-Timing', 'db;dur=5', 'x-checksum', 'def', 'ETag', '"\u00e9"', 'x-empty', '']
  t.strictSame(relayedTrailers(trailers), trailers)
  t.strictSame(relayedTrailers([]), [])
})

t.test('what would change how a message is framed, routed, trusted or read does not go on, however it is spelt', async (t) => {
  const names = [
    // Framing and the connection.
    'Content-Length', 'Transfer-Encoding', 'TE', 'Trailer', 'Connection', 'Keep-Alive', 'Upgrade', 'HTTP2-Settings', 'Proxy-Connection',
    // Routing, and what controls a request.
    'Host', 'Expect', 'Max-Forwards', 'Range', 'Cache-Control',
    // Who it is from.
    'Authorization', 'Proxy-Authorization', 'Proxy-Authenticate', 'WWW-Authenticate', 'Cookie', 'Set-Cookie', 'Client-Cert', 'Client-Cert-Chain',
    'Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Anything', 'X-Real-IP', 'X-Request-Id',
    // What the content is.
    'Content-Encoding', 'Content-Type', 'Content-Range',
    // For the gateway alone.
    'X-Fastlancer-Drain',
    // Of HTTP/2.
    ':path', ':status', ':authority'
  ]
  for (const name of names) {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) {
      t.strictSame(relayedTrailers(['a', '1', spelt, '2', 'b', '3']), ['a', '1', 'b', '3'], spelt)
    }
  }
})

t.test('names that only look like those go on', async (t) => {
  const trailers = ['x-forwarded', '1', 'x-host', '2', 'content-length-of', '3', 'hosts', '4', 'te2', '5']
  t.strictSame(relayedTrailers(trailers), trailers)
})

t.test('a name without a value is none', async (t) => {
  t.strictSame(relayedTrailers(['a', '1', 'b']), ['a', '1'])
})
