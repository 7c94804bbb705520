/** Bodies of any size, both ways: nothing is changed, nothing is piled up. */
import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { answerTo, call, type HttpOrigin, open, readAll, scenario, type Scenario, until } from '../helper.ts'

const MIB = 1024 * 1024

/** Not a power of two, so that no part of it looks like another one at the same place. */
const PATTERN = Buffer.from(Array.from({ length: 65_537 }, (_, i) => (i * 31 + (i >> 8)) & 0xff))

/** What both kernels and the gateway may hold of a body that nobody reads, in bytes: sockets' buffers on loopback, mostly. */
const HELD_LIMIT_BYTES = 20 * MIB

/** Lengths around every limit there is: none, one read, what can be replayed, what Fastify would refuse by itself. */
const LENGTHS = [0, 1, 16_384, 65_535, 65_536, 65_537, MIB, MIB + 1, 8 * MIB]

for (const framing of ['length', 'chunks']) {
  scenario(`requests of all sizes arrive as they were sent (${framing})`, async (s, t) => {
    const gateway = await s.gateway([await digesting(s)])
    for (const length of LENGTHS) {
      const body = patterned(length)
      const headers = framing === 'chunks' ? { 'transfer-encoding': 'chunked' } : { 'content-length': length }
      const { text } = await call(gateway.url, { method: 'POST', headers, body })
      t.equal(text, `${length} ${digest(body)}`)
    }
  })

  scenario(`answers of all sizes arrive as they were sent (${framing})`, async (s, t) => {
    const origin = await s.origin('a', (request, response) => {
      const body = patterned(Number(request.url?.slice(1)))
      if (framing === 'length') response.setHeader('content-length', body.length)
      else response.flushHeaders()
      response.end(body)
    })
    const gateway = await s.gateway([origin])
    for (const length of LENGTHS) {
      const { body, headers } = await call(gateway.url, { path: `/${length}` })
      t.equal(digest(body), digest(patterned(length)), `${length}`)
      if (framing === 'length') t.equal(headers['content-length'], `${length}`)
    }
  })
}

for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
  scenario(`an upload of ${type} goes on as it comes, like any other`, async (s, t) => {
    let arrived = 0
    const origin = await s.origin('a', (request, response) => {
      request.on('data', (part: Buffer) => { arrived += part.length })
      request.on('end', () => response.end(`${arrived}`))
    })
    const gateway = await s.gateway([origin])
    const sent = open(gateway.url, { method: 'POST', headers: { 'content-type': type, 'content-length': 3 * MIB } })
    sent.write(patterned(2 * MIB))
    await until('what was sent has arrived, without the rest', () => arrived === 2 * MIB)
    sent.end(patterned(MIB))
    t.equal(String(await readAll(await answerTo(sent))), `${3 * MIB}`)
  })
}

scenario('a body flows up while its echo flows down', async (s, t) => {
  const origin = await s.origin('a', (request, response) => { request.pipe(response) })
  const gateway = await s.gateway([origin])
  const body = patterned(6 * MIB)
  const sent = open(gateway.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
  const echo = answerTo(sent).then(readAll)
  sent.end(body)
  t.equal(digest(await echo), digest(body))
})

scenario('many bodies at a time do not get mixed up', async (s, t) => {
  const gateway = await s.gateway([await digesting(s), await digesting(s)])
  const agent = s.agent(6)
  await Promise.all(Array.from({ length: 24 }, async (_, i) => {
    const body = Buffer.alloc(200_000 + i, i)
    const { text } = await call(gateway.url, { method: 'PUT', body, agent })
    t.equal(text, `${body.length} ${digest(body)}`)
  }))
})

scenario('an answer that the client does not read is held back at the backend', async (s, t) => {
  const total = 40 * MIB
  let written = 0
  const origin = await s.origin('a', (_request, response) => {
    response.setHeader('content-length', total)
    pour(response, total, (bytes) => { written += bytes })
  })
  const gateway = await s.gateway([origin])
  const response = await answerTo(open(gateway.url).end())
  await standstill(() => written)
  t.ok(written < HELD_LIMIT_BYTES, `${written} bytes are under way`)
  t.equal(await digestOf(response), `${total} ${digestOfPoured(total)}`)
})

scenario('an upload that the backend does not read is held back at the client', async (s, t) => {
  const total = 40 * MIB
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>()
  const origin = await s.origin('a', (request, response) => {
    void mayRead.then(async () => response.end(await digestOf(request)))
  })
  const gateway = await s.gateway([origin])
  let written = 0
  const sent = open(gateway.url, { method: 'POST', headers: { 'content-length': total } })
  pour(sent, total, (bytes) => { written += bytes })
  await until('the request has arrived', () => origin.requests.length === 1)
  await standstill(() => written)
  t.ok(written < HELD_LIMIT_BYTES, `${written} bytes are under way`)
  letRead()
  t.equal(String(await readAll(await answerTo(sent))), `${total} ${digestOfPoured(total)}`)
})

/** A backend that answers the length and the hash of what it got. */
async function digesting (s: Scenario): Promise<HttpOrigin> {
  return await s.origin('digesting', (request, response) => { void digestOf(request).then((text) => response.end(text)) })
}

async function digestOf (body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of body) {
    hash.update(chunk)
    length += chunk.length
  }
  return `${length} ${hash.digest('hex')}`
}

/** Writes the pattern over and over, as fast as it is taken. */
function pour (to: Writable, total: number, onWritten: (bytes: number) => void): void {
  let left = total
  const more = (): void => {
    while (left > 0) {
      const part = PATTERN.subarray(0, left)
      left -= part.length
      onWritten(part.length)
      if (!to.write(part)) return void to.once('drain', more)
    }
    to.end()
  }
  more()
}

/** Waits until a number has stopped to grow. */
async function standstill (value: () => number): Promise<void> {
  let last = -1
  while (value() !== last) {
    last = value()
    await wait(100)
  }
}

function patterned (length: number): Buffer {
  return Buffer.alloc(length, PATTERN)
}

function digest (body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

function digestOfPoured (total: number): string {
  const hash = createHash('sha256')
  for (let left = total; left > 0; left -= PATTERN.length) hash.update(PATTERN.subarray(0, left))
  return hash.digest('hex')
}
