/** What the answer to a gRPC health check means. */
import t from 'tap'
import { grpcHealthCheck, grpcVerdict } from '../../src/upstream/grpc-health.ts'

/** A message, with the prefix that says how long it is. */
function framed (message: readonly number[]): Buffer {
  return Buffer.from([0, 0, 0, 0, message.length, ...message])
}

const OK = ['grpc-status', '0']

const VERDICTS: ReadonlyArray<readonly [what: string, body: Buffer, heads: readonly string[], good: boolean, reason: RegExp]> = [
  ['SERVING', framed([0x08, 1]), OK, true, /^answered SERVING$/],
  ['NOT_SERVING', framed([0x08, 2]), OK, false, /^answered gRPC health 2$/],
  ['SERVICE_UNKNOWN', framed([0x08, 3]), OK, false, /^answered gRPC health 3$/],
  ['UNKNOWN, which is not written', framed([]), OK, false, /^answered gRPC health 0$/],
  ['no message at all', Buffer.alloc(0), OK, false, /^answered gRPC health/],
  ['half a message', Buffer.from([0, 0, 0, 0, 2, 0x08]), OK, false, /^answered the gRPC health check with a message that is cut short$/],
  ['another field', framed([0x10, 1]), OK, false, /^answered gRPC health/],
  ['a status that only begins like SERVING', framed([0x08, 0x81, 1]), OK, false, /^answered gRPC health/],
  ['no health service', Buffer.alloc(0), ['content-type', 'application/grpc', 'grpc-status', '12'], true, /without a health service/],
  ['a service that is not known', Buffer.alloc(0), ['grpc-status', '5'], false, /does not know the service of HEALTH_GRPC_SERVICE$/],
  ['an error', Buffer.alloc(0), ['grpc-status', '14', 'grpc-message', 'later'], false, /status 14/],
  ['no status', framed([0x08, 1]), ['content-type', 'application/grpc'], false, /status none/],
  ['an answer that is none of gRPC', Buffer.from('<html>'), [], false, /status none/]
]

for (const [what, body, heads, good, reason] of VERDICTS) {
  t.test(`${what} is ${good ? 'good' : 'bad'}`, async (t) => {
    const verdict = grpcVerdict(body, [...heads], true)
    t.equal(verdict.good, good)
    t.match(verdict.reason, reason)
  })
}

t.test('that there is no health service is good only where it was a guess that it speaks gRPC', async (t) => {
  for (const isGuess of [true, false]) t.strictSame(grpcVerdict(Buffer.alloc(0), ['grpc-status', '12'], isGuess), { good: isGuess, reason: 'answered gRPC, without a health service' })
})

t.test('without a name the check asks for the server as a whole', async (t) => {
  const { method, target, host, fields, body, wantsTrailers } = grpcHealthCheck('', undefined, ['user-agent', 'me'])
  t.strictSame([method, target, host, body, wantsTrailers], ['POST', '/grpc.health.v1.Health/Check', undefined, framed([]), true])
  t.strictSame(fields, ['content-type', 'application/grpc', 'user-agent', 'me'])
})

t.test('with a name it asks for that service: a text as field 1, its length in as many bytes as it takes', async (t) => {
  const message = (service: string): number[] => {
    const { body } = grpcHealthCheck(service, 'a', [])
    if (!(body instanceof Buffer)) throw new Error('not a whole body')
    t.equal(body.readUInt32BE(1), body.length - 5)
    return [...body.subarray(5)]
  }
  t.strictSame(message('a.B'), [0x0a, 3, 0x61, 0x2e, 0x42])
  t.strictSame(message('\u00e9'), [0x0a, 2, 0xc3, 0xa9])
  t.strictSame(message('x'.repeat(127)).slice(0, 3), [0x0a, 127, 0x78])
  t.strictSame(message('x'.repeat(128)).slice(0, 4), [0x0a, 0x80, 1, 0x78])
  t.strictSame(message('x'.repeat(300)).slice(0, 4), [0x0a, 0xac, 2, 0x78])
})
