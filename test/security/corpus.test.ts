/** Plays the corpora: every case over a connection of its own, in one piece and byte by byte. */
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import { EndOfBytes, type Gateway, parseObject, RawClient, scenario, type Scenario, until, within } from '../helper.ts'
import {
  askedBy, type Bytes, bytesOf, CorpusBackend, fieldFaults, type Interim, type Link, type Message, messageFaults, partOf, quote, readAnswer,
  readCorpus, type Reply, RequestCase, ResponseCase, statusOf
} from './corpus.ts'

/** How long anything that is expected may take, in ms. */
const DEADLINE_MS = 3_000

/** Up to this size a case is played byte by byte too. */
const SPLIT_BELOW_BYTES = 600

/** How many gateways play at a time. */
const LANES = 4

/** How many plays a fault that nothing catches can take down. */
const REQUESTS_IN_A_SCENARIO = 60

/** How many answers, each with a gateway of its own, are played at a time. */
const ANSWERS_IN_A_SCENARIO = 12

/** The request that ends each case: if it is served, and served rightly, the gateway has kept in step. */
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

/** A case, and whether it is sent byte by byte. */
interface Play<Case> {
  readonly name: string
  readonly corpusCase: Case
  readonly isSplit: boolean
}

/** A gateway with a backend, for a case at a time. */
interface Lane {
  readonly gateway: Gateway
  readonly backend: CorpusBackend
}

/** What a client got before its connection failed or ended. */
interface Received {
  readonly interim: Message[]
  readonly final: Message
}

const requestPlays = playsOf(readCorpus('requests.jsonl', RequestCase))
const responsePlays = playsOf(readCorpus('responses.jsonl', ResponseCase))

for (const [env, group] of Map.groupBy(requestPlays, ({ corpusCase }) => JSON.stringify(corpusCase.env ?? {}))) {
  for (const [first, plays] of portions(group, REQUESTS_IN_A_SCENARIO)) {
    scenario(`requests${env === '{}' ? '' : ` with ${env}`}, from "${first.name}" on`, async (s, t) => {
      const queue = [...plays]
      const faults = new Map<unknown, string[]>()
      const runLane = async (): Promise<void> => {
        let lane = await openLane(s, first.corpusCase.env)
        for (let play = queue.shift(); play !== undefined; play = queue.shift()) {
          const found = await playRequest(play, lane)
          faults.set(play, found)
          // What a fault leaves behind must not be blamed on the next case.
          if (found.length > 0) lane = await openLane(s, first.corpusCase.env)
        }
      }
      await Promise.all(Array.from({ length: LANES }, runLane))
      tell(t, plays, faults)
    })
  }
}

for (const [first, plays] of portions(responsePlays, ANSWERS_IN_A_SCENARIO)) {
  scenario(`answers, from "${first.name}" on`, async (s, t) => {
    const faults = new Map<unknown, string[]>()
    await Promise.all(plays.map(async (play) => { faults.set(play, await playResponse(play, s)) }))
    tell(t, plays, faults)
  })
}

function playsOf<Case extends { readonly name: string, readonly send: Bytes }> (cases: readonly Case[]): Array<Play<Case>> {
  return cases.flatMap((corpusCase) => {
    const whole = { name: corpusCase.name, corpusCase, isSplit: false }
    if (bytesOf(corpusCase.send).length >= SPLIT_BELOW_BYTES) return [whole]
    return [whole, { name: `${corpusCase.name} (byte by byte)`, corpusCase, isSplit: true }]
  })
}

/** A list in parts of `size`, each with its first. */
function portions<Entry> (list: readonly Entry[], size: number): Array<readonly [first: Entry, part: readonly Entry[]]> {
  return list.flatMap((first, i) => i % size === 0 ? [[first, list.slice(i, i + size)] as const] : [])
}

/** One assertion a case, in the order of the corpus. */
function tell (t: Test, plays: ReadonlyArray<Play<unknown>>, faults: ReadonlyMap<unknown, string[]>): void {
  for (const play of plays) {
    const found = faults.get(play) ?? ['it was not played']
    // Where in this file it failed says nothing: the line of the corpus counts.
    t.ok(found.length === 0, play.name, { faults: found, at: null, stack: '' })
  }
}

async function startBackend (s: Scenario, reply: Reply): Promise<CorpusBackend> {
  const backend = await CorpusBackend.start(reply)
  s.atEnd(() => backend.stop())
  return backend
}

async function openLane (s: Scenario, env: RequestCase['env'] = {}): Promise<Lane> {
  const backend = await startBackend(s, echo)
  const gateway = await s.gateway([backend], { env })
  // Whatever slips through then finds an open upstream connection.
  await serveLast(gateway)
  return { backend, gateway }
}

/** Answers with the target, so that an answer that went astray is noticed. */
function echo (request: Message, { socket }: Link): void {
  const { method, target } = askedBy(request)
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${target.length}\r\n\r\n`
  socket.write(Buffer.from(method === 'HEAD' ? head : head + target, 'latin1'))
}

async function playRequest ({ corpusCase, isSplit }: Play<RequestCase>, { gateway, backend }: Lane): Promise<string[]> {
  backend.forget()
  const { closed, upstream } = corpusCase
  const client = await RawClient.connect(gateway.port)
  try {
    await send(client.socket, bytesOf(corpusCase.send), isSplit)
    const faults = await answersFaults(corpusCase, client)
    if (faults.length > 0) return [...faults, `the backend got ${JSON.stringify(targetsAt(backend))}`]
    const isServed = closed !== true && await isLastServed(client)
    if (closed === false && !isServed) faults.push(`the next request on the connection is not served: ${quote(client.reader.unread)}`)
    await within('the gateway closes the connection', client.reader.ended, DEADLINE_MS)
    if (client.reader.unread.length > 0) faults.push(`more came after the last answer: ${quote(client.reader.unread)}`)
    if (!isServed) await serveLast(gateway)
    faults.push(...backend.faults)
    if (upstream !== 'cut') faults.push(...backend.begun.map((link) => `the backend got a part of a request: ${quote(partOf(link))}`))
    await until('the connection of the cut request ends', () => backend.begun.every(({ reader }) => reader.ending !== undefined), DEADLINE_MS)
    const expected = Array.isArray(upstream) ? upstream : []
    return [...faults, ...upstreamFaults(expected, backend.requests.map(({ request }) => request))]
  } catch (error) {
    return [String(error), ...backend.faults, `the backend got ${JSON.stringify(targetsAt(backend))}`]
  } finally {
    await client.leave()
  }
}

/** Reads the answers; the faults of the first that is not as expected, for nothing after it means anything. */
async function answersFaults ({ answers, upstream, interim: expectedInterim }: RequestCase, client: RawClient): Promise<string[]> {
  const interim: Message[] = []
  for (const [i, expected] of answers.entries()) {
    const what = `answer ${i + 1}`
    const { method, target } = askedBy({ startLine: Array.isArray(upstream) ? lineOf(upstream[i] ?? { line: '' }) : '' })
    const { interim: before, final } = await receive(what, client, method)
    interim.push(...before)
    const status = statusOf(final)
    const isExpected = Array.isArray(expected) ? expected.includes(status) : expected === status
    if (!isExpected) return [`${what}: ${status} instead of ${String(expected)}: ${quote(final.body)}`]
    const faults = status >= 400 ? ownErrorFaults(what, final) : messageFaults(what, { body: method === 'HEAD' ? '' : target }, final)
    if (faults.length > 0) return faults
  }
  return expectedInterim === undefined ? [] : interimFaults(expectedInterim.map((status) => ({ status })), interim)
}

/** Whether the same connection serves one more request, and then nothing else. */
async function isLastServed (client: RawClient): Promise<boolean> {
  if (client.reader.ending !== undefined) return false
  client.send(LAST)
  try {
    const { final } = await receive('the last request', client, 'GET')
    return statusOf(final) === 200 && final.body.toString() === '/last'
  } catch (error) {
    if (error instanceof EndOfBytes && client.reader.unread.length === 0) return false
    throw error
  }
}

/** The gateway and its upstream connections are none the worse for the case; throws if not. */
async function serveLast ({ port }: { readonly port: number }): Promise<void> {
  const client = await RawClient.connect(port)
  try {
    if (!await isLastServed(client)) throw new Error(`a request on a new connection is not served: ${quote(client.reader.received)}`)
  } finally {
    await client.leave()
  }
}

/** Requests of one connection may come over several to the backend: their order is not looked at. */
function upstreamFaults (expected: Exclude<RequestCase['upstream'], null | 'cut'>, seen: readonly Message[]): string[] {
  const inOrder = seen.toSorted((a, b) => a.startLine < b.startLine ? -1 : 1)
  const wanted = [...expected, { line: 'GET /last HTTP/1.1' }].toSorted((a, b) => lineOf(a) < lineOf(b) ? -1 : 1)
  const [linesSeen, linesWanted] = [JSON.stringify(inOrder.map(({ startLine }) => startLine)), JSON.stringify(wanted.map(lineOf))]
  if (linesSeen !== linesWanted) return [`the backend got ${linesSeen} instead of ${linesWanted}`]
  return inOrder.flatMap((message, i) => messageFaults(`upstream "${message.startLine.slice(0, 80)}"`, wanted[i] ?? {}, message))
}

function lineOf ({ line }: { readonly line: Bytes }): string {
  return bytesOf(line).toString('latin1')
}

function targetsAt (backend: CorpusBackend): string[] {
  return [...backend.requests.map(({ request }) => request.startLine), ...backend.begun.map((link) => `part: ${quote(partOf(link))}`)]
}

async function playResponse ({ corpusCase, isSplit }: Play<ResponseCase>, s: Scenario): Promise<string[]> {
  const { request = 'GET / HTTP/1.1', again } = corpusCase
  const scripted = Promise.withResolvers<void>()
  const used = new Set<Link>()
  const backend = await startBackend(s, async (message, link) => {
    if (askedBy(message).target === '/last') return echo(message, link)
    used.add(link)
    await send(link.socket, bytesOf(corpusCase.send), isSplit)
    if (corpusCase.closes === 'fin') link.socket.end()
    else if (corpusCase.closes === 'reset') resetConnection(link.socket)
    scripted.resolve()
  })
  const gateway = await s.gateway([backend])
  const client = await s.client(gateway)
  const faults: string[] = []
  try {
    client.send(`${request}\r\nHost: a\r\n\r\n`)
    faults.push(...answerFaults(corpusCase.answer, await receive('the answer', client, askedBy({ startLine: request }).method)))
    await within('the backend has sent it all', scripted.promise, DEADLINE_MS)
    if (!await isLastServed(client)) await serveLast(gateway)
    if (client.reader.unread.length > 0) faults.push(`more came after the answer: ${quote(client.reader.unread)}`)
    const isAgain = backend.requests.some((came) => askedBy(came.request).target === '/last' && used.has(came.link))
    if (again !== undefined && again !== isAgain) faults.push(`the upstream connection is ${isAgain ? '' : 'not '}used again`)
    const isOver = (): boolean => [...used].every(({ reader }) => reader.ending !== undefined)
    if (again === false) await until('its upstream connection ends', isOver, DEADLINE_MS)
  } catch (error) {
    faults.push(String(error))
  }
  await client.leave()
  return [...faults, ...backend.faults]
}

function answerFaults (expected: ResponseCase['answer'], { interim, final }: Received): string[] {
  const status = statusOf(final)
  if (expected === 'cut' && !final.isWhole) return []
  if (expected === 'cut' && status !== 502) return [`the answer looks whole: ${final.startLine} ${quote(final.body)}`]
  if (expected === 'cut' || expected === 502) {
    return status === 502 ? ownErrorFaults('the answer', final) : [`the answer: ${status} instead of 502: ${quote(final.body)}`]
  }
  const { status: wanted, interim: wantedInterim = [], ...parts } = expected
  const faults = interimFaults(wantedInterim, interim)
  if (status !== wanted) return [...faults, `the answer: ${status} instead of ${wanted}: ${quote(final.body)}`]
  if (!final.isWhole) faults.push('the answer is cut')
  return [...faults, ...messageFaults('the answer', parts, final)]
}

function interimFaults (expected: readonly Interim[], seen: readonly Message[]): string[] {
  const [statusesSeen, statuses] = [seen.map(statusOf).join(), expected.map(({ status }) => status).join()]
  if (statusesSeen !== statuses) return [`interim answers: ${statusesSeen || 'none'} instead of ${statuses || 'none'}`]
  return expected.flatMap(({ status, has = [] }, i) => fieldFaults(`interim ${status}`, has, seen[i]?.fields ?? []))
}

/** What is wrong with an error that the gateway made: it is JSON with a code of ours, and a 405 says what is allowed. */
function ownErrorFaults (what: string, { startLine, fields, body, isWhole }: Message): string[] {
  const faults: string[] = []
  if (!isWhole) faults.push(`${what}: is cut`)
  const isAllowMissing = statusOf({ startLine }) === 405 && !fields.some((line) => line.startsWith('allow:'))
  if (isAllowMissing) faults.push(`${what}: has no Allow (RFC 9110, section 15.5.6)`)
  try {
    const { code } = parseObject(body.toString())
    if (typeof code !== 'string' || !code.startsWith('FL_')) faults.push(`${what}: the code is ${String(code)} instead of FL_...`)
  } catch {
    faults.push(`${what}: the body is no JSON: ${quote(body)}`)
  }
  return faults
}

/** The next final answer, with what came before it. */
async function receive (what: string, { reader }: RawClient, method: string): Promise<Received> {
  const interim: Message[] = []
  for (;;) {
    const message = await within(what, readAnswer(reader, method), DEADLINE_MS)
    if (statusOf(message) >= 200) return { interim, final: message }
    interim.push(message)
  }
}

/** Sends it in one piece or in as many as it has bytes; stops where the gateway has closed. */
async function send (socket: Socket, bytes: Buffer, isSplit: boolean): Promise<void> {
  const pieces = isSplit ? Array.from(bytes, (byte) => Buffer.of(byte)) : [bytes]
  for (const piece of pieces) {
    if (!socket.writable || socket.readableEnded) return
    socket.write(piece)
    await nextTurn()
  }
}
