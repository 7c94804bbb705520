/** A request of HTTP/2 whose session dies in the very packet that it came in is nobody's: nothing is done for it. */
import { frame, http2Scenario, headersFrame, PREFACE, requestFieldsOf, settingsFrame } from '../helper.ts'

/** What ends a session at once (RFC 9113, section 5.4.1). */
const FATAL: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
  ['DATA on stream 0', frame(0, 0, 0, Buffer.from('x'))],
  ['a push of the client\'s', frame(5, 4, 1, Buffer.alloc(8))],
  ['fields that continue nothing', frame(9, 4, 7, Buffer.alloc(3))],
  ['fields that cannot be read', frame(1, 5, 3, Buffer.alloc(5, 0xff))],
  ['settings of a wrong length', frame(4, 0, 0, Buffer.alloc(5))]
]

for (const [what, bytes] of FATAL) {
  http2Scenario(`${what} right behind a request`, async (s, t) => {
    const origin = await s.origin('a')
    const seen: string[] = []
    const gateway = await s.gateway([origin], { extend: (app) => { app.addHook('onRequest', async ({ url, peer }) => { seen.push(`${url} ${peer.address}`) }) } })
    const dead = await s.wire(gateway, Buffer.concat([PREFACE, settingsFrame(), headersFrame(1, requestFieldsOf('/nobody'), true), bytes]))
    await dead.reader.ended
    const alive = await s.wire(gateway)
    alive.get(1, '/somebody')
    await alive.streamEnd(1)
    t.same(seen, ['/somebody 127.0.0.1'])
    t.same(origin.requests.map(({ url }) => url), ['/somebody'])
    await gateway.logs.wait('request')
    t.same(gateway.logs.of('request').map(({ client }) => client), ['127.0.0.1'])
  })
}
