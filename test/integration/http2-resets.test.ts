/** Clients of HTTP/2 that reset a stream while its upload is held up: whatever the backend says then is for nobody, and breaks nothing. */
import type { Socket } from 'node:net'
import {
  answer, dataFrame, ErrorCode, FrameType, type Frame, headersFrame, http2Call, http2Scenario, type Http2Wire, requestFieldsOf, rstFrame, send, until
} from '../helper.ts'

const PART_BYTES = 16_000

/** Sends parts of a body as far as the windows allow, and gives how much it was. */
function uploadTo (wire: Http2Wire, stream: number): () => number {
  let [ofStream, ofConnection, sent] = [65_535, 65_535, 0]
  const pour = (): void => {
    while (Math.min(ofStream, ofConnection) >= PART_BYTES) {
      wire.send(dataFrame(stream, Buffer.alloc(PART_BYTES), false))
      ofStream -= PART_BYTES
      ofConnection -= PART_BYTES
      sent += PART_BYTES
    }
  }
  wire.onFrame = ({ type, stream: of, payload }: Frame) => {
    if (type !== FrameType.windowUpdate) return
    if (of === 0) ofConnection += payload.readUInt32BE(0)
    else ofStream += payload.readUInt32BE(0)
    pour()
  }
  pour()
  return () => sent
}

/** Settles when nothing has been sent for a while: whoever should read does not. */
async function stopped (sent: () => number): Promise<void> {
  let [seen, turns] = [sent(), 0]
  await until('the upload is held up', () => {
    turns = sent() === seen ? turns + 1 : 0
    seen = sent()
    return turns > 50
  })
}

const LATE: ReadonlyArray<readonly [what: string, bytes: string]> = [
  ['an interim answer', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'],
  ['a 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'],
  ['an answer with trailers', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n'],
  ['a broken answer', 'rubbish\r\n\r\n']
]

for (const [name, code] of [['NO_ERROR', ErrorCode.noError], ['CANCEL', ErrorCode.cancel]] as const) {
  for (const [what, bytes] of LATE) {
    http2Scenario(`${what} for a stream that was reset with ${name} while its upload was held up`, async (s, t) => {
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<Socket>()
      const origin = await s.scripted('a', async ({ socket, reader }) => {
        socket.pause()
        arrive(socket)
        await reader.ended
      }, answer({ body: 'next' }))
      const gateway = await s.gateway([origin])
      const wire = await s.wire(gateway)
      wire.send(headersFrame(1, requestFieldsOf('/', what === 'a 100' ? ['expect', '100-continue'] : [], 'POST'), false))
      const sent = uploadTo(wire, 1)
      const socket = await arrived
      await stopped(sent)
      wire.send(rstFrame(1, code))
      // Behind the reset: when this is answered, the gateway knows of it.
      wire.get(3, '/own-connection')
      await wire.streamEnd(3)
      t.equal(wire.bodyOf(3), 'next')
      await send(socket, Buffer.from(bytes)).catch(() => {})
      socket.resume()
      await until('nothing is in flight', () => gateway.inFlight === 0)
      t.equal((await http2Call(await s.session(gateway))).text, 'next')
      t.same(wire.of(1).filter(({ type }) => type === FrameType.data), [])
    })
  }
}
