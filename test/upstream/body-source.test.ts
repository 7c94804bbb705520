import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { bodySource } from '../../src/upstream/body-source.ts'

const raw = new IncomingMessage(new Socket())

async function contents (body: unknown, hasBody = true): Promise<Buffer | undefined> {
  const source = bodySource(raw, body, hasBody)
  return source === undefined || source === raw ? undefined : await buffer(source)
}

t.test('the client\'s body is read from the client, if there is one', async (t) => {
  for (const [what, body] of [['undefined', undefined], ['null', null], ['the request itself', raw]] as const) {
    t.equal(bodySource(raw, body, true), raw, what)
    t.equal(bodySource(raw, body, false), undefined, what)
  }
})

t.test('a stream that a hook left takes its place, whether the client sent a body or not', async (t) => {
  const stream = Readable.from(['x'])
  t.equal(bodySource(raw, stream, true), stream)
  t.equal(bodySource(raw, stream, false), stream)
})

t.test('so do a text, as UTF-8, and bytes', async (t) => {
  for (const hasBody of [true, false]) {
    t.strictSame(await contents('caf\u00e9', hasBody), Buffer.from('caf\u00e9', 'utf8'))
    t.strictSame(await contents(Buffer.from([0, 255, 13, 10]), hasBody), Buffer.from([0, 255, 13, 10]))
    t.strictSame(await contents('', hasBody), Buffer.alloc(0))
    t.strictSame(await contents(Buffer.alloc(0), hasBody), Buffer.alloc(0))
  }
})

t.test('what cannot be sent is refused with its type', async (t) => {
  for (const [body, type] of [[{ a: 1 }, 'object'], [['x'], 'object'], [5, 'number'], [true, 'boolean'], [() => {}, 'function'], [Symbol('x'), 'symbol'], [0n, 'bigint']] as const) {
    t.throws(() => bodySource(raw, body, true), { code: 'FL_BODY_NOT_FORWARDABLE', statusCode: 500, message: new RegExp(`type ${type}:`) }, type)
    t.throws(() => bodySource(raw, body, false), { code: 'FL_BODY_NOT_FORWARDABLE' }, type)
  }
})
