/** Answers that begin while their upload goes on: as long as one of the two moves, the exchange is not silent. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Behaviour, chunk, codeOf, dataFrame, ErrorCode, FrameType, type Gateway, headersFrame, type Http2Scenario, http2Scenario, type Http2Wire, okFrame, type Origin,
  requestFieldsOf, send, until
} from '../helper.ts'

const IDLE_MS = '250'

/** The upload takes several times as long as silence may. */
const PARTS = 10
const BETWEEN_MS = 80

/** Begins to answer at once, and ends when all of the upload is there. */
const early: Behaviour = async ({ request, socket }) => {
  await send(socket, Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk('early')}`))
  const body = await request.body()
  await send(socket, Buffer.from(`${chunk(` ${body.length}`)}0\r\n\r\n`))
}

/** The same in HTTP/2. */
async function earlyHttp2 (s: Http2Scenario): Promise<Origin> {
  const bytes = new Map<Http2Wire, number>()
  return await s.rawHttp2Origin('a', ({ type, flags, stream, payload }, wire) => {
    if (type === FrameType.headers) wire.send(okFrame(stream, false), dataFrame(stream, 'early', false))
    if (type !== FrameType.data) return
    bytes.set(wire, (bytes.get(wire) ?? 0) + payload.length)
    if ((flags & 1) !== 0) wire.send(dataFrame(stream, ` ${bytes.get(wire)}`, true))
  })
}

const BACKENDS: ReadonlyArray<readonly [version: string, start: (s: Http2Scenario) => Promise<Origin>]> = [
  ['HTTP/1.1', async (s) => await s.scripted('a', early)],
  ['HTTP/2', earlyHttp2]
]

/** Sends parts, each a while after the one before; `end` goes with the last. */
async function slowly (sendPart: (isLast: boolean) => void): Promise<void> {
  for (let i = 1; i <= PARTS; i++) {
    await wait(BETWEEN_MS)
    sendPart(i === PARTS)
  }
}

async function overHttp1 (s: Http2Scenario, gateway: Gateway): Promise<string> {
  const client = await s.client(gateway)
  client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
  await slowly((isLast) => client.send(`${chunk('part')}${isLast ? '0\r\n\r\n' : ''}`))
  return (await client.answer()).body.toString()
}

async function overHttp2 (s: Http2Scenario, gateway: Gateway): Promise<string> {
  const wire = await s.wire(gateway)
  wire.send(headersFrame(1, requestFieldsOf('/', [], 'POST'), false))
  await slowly((isLast) => wire.send(dataFrame(1, 'part', isLast)))
  await wire.streamEnd(1)
  return wire.bodyOf(1)
}

for (const [version, start] of BACKENDS) {
  for (const [of, upload] of [['HTTP/1.1', overHttp1], ['HTTP/2', overHttp2]] as const) {
    http2Scenario(`an upload of ${of} that goes on within its answer is not cut by UPSTREAM_IDLE_TIMEOUT_MS (backend: ${version})`, async (s, t) => {
      const gateway = await s.gateway([await start(s)], { env: { UPSTREAM_IDLE_TIMEOUT_MS: IDLE_MS } })
      t.equal(await upload(s, gateway), `early ${PARTS * 4}`)
      t.match(await gateway.logs.wait('request'), [{ status: 200 }])
    })
  }

  http2Scenario(`an answer is cut when neither it nor its upload moves (backend: ${version})`, async (s, t) => {
    const gateway = await s.gateway([await start(s)], { env: { UPSTREAM_IDLE_TIMEOUT_MS: IDLE_MS } })
    const wire = await s.wire(gateway)
    wire.send(headersFrame(1, requestFieldsOf('/', [], 'POST'), false), dataFrame(1, 'part', false))
    const end = await wire.streamEnd(1)
    t.same([end.type, codeOf(end)], [FrameType.rstStream, ErrorCode.internalError])
    t.equal(wire.bodyOf(1), 'early')
    await until('nothing is in flight', () => gateway.inFlight === 0)
    t.match(await gateway.logs.wait('answer cut'), [{ status: 200 }])
  })
}
