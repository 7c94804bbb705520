/** Plays a cell of the clients' side: a client that fails at a point of its exchange, a backend that is well, and what came of it. */
import { after, afterBody, answer, answerInParts, type Behaviour, chunk, type Gateway, type RawClient, type Scenario, type ScriptedOrigin, EndOfBytes, until } from '../helper.ts'
import type { ClientCell, ClientPoint } from './cells.ts'

/** Timeouts that a stall has to wait for, in ms. */
const SHORT_MS = '250'

/** How long a connection that stays open is looked at, in ms: longer than anything that would close it takes. */
const LOOK_MS = 50

const GARBAGE = '\0garbage\r\n\r\n'

const LARGE_PART = 'x'.repeat(256 * 1024)

const TIMEOUTS: Readonly<Record<ClientPoint, Record<string, string>>> = {
  head: { CLIENT_HEADERS_TIMEOUT_MS: SHORT_MS },
  body: { CLIENT_BODY_TIMEOUT_MS: SHORT_MS },
  waiting: {},
  answer: { CLIENT_SEND_TIMEOUT_MS: SHORT_MS },
  idle: { CLIENT_KEEP_ALIVE_TIMEOUT_MS: SHORT_MS }
}

export type ClientOutcome = Omit<ClientCell, 'at' | 'fault' | 'why'>

export async function playClientCell (s: Scenario, cell: ClientCell): Promise<ClientOutcome> {
  const moment = Promise.withResolvers<void>()
  let isWhole = false
  const behave = behaviourOf(cell, moment.promise)
  const origin = await s.scripted('well', async (call) => {
    void call.request.body().then(() => { isWhole = true }, () => {})
    await behave(call)
  })
  const gateway = await s.gateway([origin], { env: cell.fault === 'stall' ? TIMEOUTS[cell.at] : {} })
  const client = await s.client(gateway)
  const before = await bringTo(cell.at, client, origin, gateway)
  strike(client, cell)
  if (cell.fault === 'reset') await until('nothing in flight', () => gateway.inFlight === 0)
  moment.resolve()
  const seen = await readAll(client, gateway, cell)
  await until('nothing in flight', () => gateway.inFlight === 0)
  // The backend has seen all that it will see when the connection on which something is missing has gone.
  await until('the backend knows', () => isWhole || origin.connections === 0 || origin.requests.length === before.requests)
  const lines = gateway.logs.lines.slice(before.lines)
  return {
    ...seen,
    code: codeOf(lines.find(({ code }) => code !== undefined)?.['code']),
    access: accessOf(lines.find(({ msg }) => ['request', 'client gone', 'answer cut'].includes(msg))),
    backend: origin.requests.length === before.requests ? 'nothing' : whole(isWhole)
  }
}

function behaviourOf ({ at, fault }: ClientCell, moment: Promise<unknown>): Behaviour {
  if (at === 'waiting') return after(moment, answer({ body: 'answer' }))
  if (at === 'answer') return answerInParts(fault === 'stall' ? endless() : inTwo(moment))
  return at === 'body' ? afterBody(answer({ body: 'answer' })) : answer({ body: 'answer' })
}

async function * inTwo (moment: Promise<unknown>): AsyncGenerator<string> {
  yield 'first'
  await moment
  yield 'second'
}

async function * endless (): AsyncGenerator<string> {
  for (;;) {
    await new Promise(setImmediate)
    yield LARGE_PART
  }
}

/** Has the exchange come to the point; how many requests and lines of the log there are then that do not count. */
async function bringTo (at: ClientPoint, client: RawClient, origin: ScriptedOrigin, gateway: Gateway): Promise<{ readonly requests: number, readonly lines: number }> {
  const lines = gateway.logs.lines.length
  switch (at) {
    case 'head':
      client.send('GET / HTTP/1.1\r\nhost: client.test\r\nx-half: ')
      break
    case 'body':
      client.send(`PUT / HTTP/1.1\r\nhost: client.test\r\ntransfer-encoding: chunked\r\n\r\n${chunk('part of it')}`)
      await until('the request has arrived', () => origin.requests.length === 1)
      break
    case 'waiting':
      client.get('/')
      await until('the request has arrived', () => origin.requests.length === 1)
      break
    case 'answer':
      client.get('/')
      await until('the answer has begun', () => client.reader.unread.includes('\r\n\r\n'))
      break
    case 'idle':
      client.get('/')
      await client.answer()
      await gateway.logs.wait('request')
      return { requests: 1, lines: gateway.logs.lines.length }
  }
  return { requests: 0, lines }
}

function strike (client: RawClient, { at, fault }: ClientCell): void {
  if (fault === 'reset') client.reset()
  else if (fault === 'end') client.socket.end()
  else if (fault === 'garbage') client.send(at === 'head' ? `${GARBAGE}${GARBAGE}` : GARBAGE)
  else if (at === 'answer') client.socket.pause()
}

/** All that the client gets, and whether the gateway closes. */
async function readAll (client: RawClient, gateway: Gateway, { at, fault, closes }: ClientCell): Promise<Pick<ClientCell, 'client' | 'closes'>> {
  const statuses: string[] = []
  if (at === 'answer' && fault === 'stall') {
    // It reads again when the gateway has given it up.
    await gateway.logs.wait('answer cut')
    client.socket.resume()
  }
  try {
    for (;;) {
      if (!closes && statuses.length > 0) break
      const hasBegun = client.reader.unread.length > 0
      if (fault !== 'reset') statuses.push(String((await client.answer()).status))
      else if (!hasBegun || client.reader.ending !== undefined) break
    }
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error
    if (client.reader.unread.length > 0 || (at === 'answer' && statuses.length === 0)) statuses.push('200, cut')
  }
  await Promise.race([client.reader.ended, new Promise((resolve) => { setTimeout(resolve, LOOK_MS) })])
  return { client: outcomeOf(statuses), closes: client.reader.ending !== undefined }
}

function outcomeOf (statuses: readonly string[]): ClientCell['client'] {
  const text = statuses.join(', ')
  switch (text) {
    case '': return 'nothing'
    case '200': case '400': case '408': case '200, 400': case '200, cut': return text
    default: throw new Error(`answers that no cell knows: ${text}`)
  }
}

function accessOf (line: { readonly msg: string, readonly status?: unknown } | undefined): ClientCell['access'] {
  if (line === undefined) return undefined
  const status = Number(line.status)
  switch (line.msg) {
    case 'request': case 'client gone': case 'answer cut': return [line.msg, status]
    default: throw new Error(`not a line of the access log: ${line.msg}`)
  }
}

function codeOf (code: unknown): string | undefined {
  return typeof code === 'string' ? code : undefined
}

function whole (isWhole: boolean): 'all' | 'a part' {
  return isWhole ? 'all' : 'a part'
}
