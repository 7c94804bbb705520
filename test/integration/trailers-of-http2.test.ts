/** Trailers where HTTP/2 is spoken on a side: HTTP2-Settings, which Node refuses to send, goes nowhere, and breaks nothing. */
import {
  type Behaviour, chunk, dataFrame, FrameType, type Gateway, headersFrame, http2Call, type Http2Scenario, http2Scenario, okFrame, type Origin, requestFieldsOf, sendBytes, until
} from '../helper.ts'

/** What is sent: one that ends here, between two that go on. */
const SENT = ['x-first', '1', 'http2-settings', 'AAMAAABk', 'x-last', '2']
const RELAYED = ['x-first', '1', 'x-last', '2']

const LINES = SENT.reduce((text, part, i) => `${text}${part}${i % 2 === 0 ? ': ' : '\r\n'}`, '')

/** The names and values of lines. */
function pairsOf (lines: string): string[] {
  return lines.split('\r\n').filter((line) => line !== '').flatMap((line) => line.split(': '))
}

/** Backends that keep the trailers of what is sent to them. */
const RECEIVERS = {
  'HTTP/1.1': async (s: Http2Scenario, got: string[][]): Promise<Origin> => await s.origin('a', (request, response) => {
    request.resume().on('end', () => {
      got.push(request.rawTrailers)
      response.end('got it')
    })
  }),
  'HTTP/2': async (s: Http2Scenario, got: string[][]): Promise<Origin> => await s.http2Origin('a', async ({ body, trailers, stream }) => {
    await body()
    got.push(trailers)
    stream.respond({ ':status': 200 })
    stream.end('got it')
  })
} as const

/** Clients that send an upload with trailers, and give its answer. */
const UPLOADERS = {
  'HTTP/1.1': async (s: Http2Scenario, gateway: Gateway): Promise<string> => {
    const client = await s.client(gateway)
    client.send(`PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk('body')}0\r\n${LINES}\r\n`)
    return (await client.answer()).body.toString()
  },
  'HTTP/2': async (s: Http2Scenario, gateway: Gateway): Promise<string> => {
    const wire = await s.wire(gateway)
    wire.send(headersFrame(1, requestFieldsOf('/', [], 'PUT'), false), dataFrame(1, 'body', false), headersFrame(1, SENT, true))
    await wire.streamEnd(1)
    return wire.bodyOf(1)
  }
} as const

const answerWithTrailers: Behaviour = sendBytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk('body')}0\r\n${LINES}\r\n`)

/** Backends that answer with trailers. */
const ANSWERERS = {
  'HTTP/1.1': async (s: Http2Scenario): Promise<Origin> => await s.scripted('a', answerWithTrailers),
  'HTTP/2': async (s: Http2Scenario): Promise<Origin> => await s.rawHttp2Origin('a', ({ type, stream }, wire) => {
    if (type === FrameType.headers) wire.send(okFrame(stream, false), dataFrame(stream, 'body', false), headersFrame(stream, SENT, true))
  })
} as const

/** Clients that give the trailers of an answer. */
const READERS = {
  'HTTP/1.1': async (s: Http2Scenario, gateway: Gateway): Promise<readonly string[]> => {
    const client = await s.client(gateway)
    client.get('/')
    await client.reader.upTo('body\r\n0\r\n')
    return pairsOf((await client.reader.upTo('\r\n\r\n')).toString('latin1'))
  },
  'HTTP/2': async (s: Http2Scenario, gateway: Gateway): Promise<readonly string[]> => {
    const { text, trailers } = await http2Call(await s.session(gateway))
    return text === 'body' ? trailers : [text]
  }
} as const

const VERSIONS = ['HTTP/1.1', 'HTTP/2'] as const

for (const client of VERSIONS) {
  for (const backend of VERSIONS) {
    http2Scenario(`trailers from a client of ${client} to a backend of ${backend}: HTTP2-Settings ends here`, async (s, t) => {
      const got: string[][] = []
      const gateway = await s.gateway([await RECEIVERS[backend](s, got)])
      t.equal(await UPLOADERS[client](s, gateway), 'got it')
      await until('it has come', () => got.length === 1)
      t.same(got, [RELAYED])
    })

    http2Scenario(`trailers from a backend of ${backend} to a client of ${client}: HTTP2-Settings ends here`, async (s, t) => {
      const gateway = await s.gateway([await ANSWERERS[backend](s)])
      t.same(await READERS[client](s, gateway), RELAYED)
      t.same(await READERS[client](s, gateway), RELAYED, 'and the next one is served')
    })
  }
}
