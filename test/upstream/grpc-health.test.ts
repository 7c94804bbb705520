/** What the answer to a gRPC health check means. */
import t from 'tap'
import { GRPC_HEALTH_CHECK, grpcVerdict } from '../../src/upstream/grpc-health.ts'

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
  ['half a message', Buffer.from([0, 0, 0, 0, 2, 0x08]), OK, false, /^answered gRPC health/],
  ['another field', framed([0x10, 1]), OK, false, /^answered gRPC health/],
  ['a status that only begins like SERVING', framed([0x08, 0x81, 1]), OK, false, /^answered gRPC health/],
  ['no health service', Buffer.alloc(0), ['content-type', 'application/grpc', 'grpc-status', '12'], true, /without a health service/],
  ['an error', Buffer.alloc(0), ['grpc-status', '14', 'grpc-message', 'later'], false, /status 14/],
  ['no status', framed([0x08, 1]), ['content-type', 'application/grpc'], false, /status none/],
  ['an answer that is none of gRPC', Buffer.from('<html>'), [], false, /status none/]
]

for (const [what, body, heads, good, reason] of VERDICTS) {
  t.test(`${what} is ${good ? 'good' : 'bad'}`, async (t) => {
    const verdict = grpcVerdict(body, [...heads])
    t.equal(verdict.good, good)
    t.match(verdict.reason, reason)
  })
}

t.test('the check asks for the server as a whole', async (t) => {
  const { method, target, fields, body, wantsTrailers } = GRPC_HEALTH_CHECK
  t.strictSame([method, target, body, wantsTrailers], ['POST', '/grpc.health.v1.Health/Check', framed([]), true])
  t.strictSame(fields.slice(0, 2), ['content-type', 'application/grpc'])
})
