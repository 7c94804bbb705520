/** Properties of forwarding, over messages made up by fast-check: what goes in comes out, however it is cut, in the order in which it was asked for. */
import * as fc from 'fast-check'
import type { Test } from 'tap'
import { type Gateway, scenario, type Scenario } from '../helper.ts'
import { type MadeRequest, type MadeResponse, request, response } from './arbitraries.ts'
import { difference, requestFaults, responseFields } from './end-to-end.ts'
import { type ExactMessage, readResponse, statusOf, valuesOf } from './exact-message.ts'
import { answerSerial, type Recorded, RecordingBackend } from './recording-backend.ts'
import { cutAt, Wire } from './wire.ts'

/** The cases are the same ones in every run; a failure tells the seed and the path to its case. */
const SEED = 20_261_122

/** A failure is made smaller for so long, in ms; the cases themselves take a tenth of it. */
const TIME_LIMIT_MS = 30_000

/** Every byte goes on, so that bytes can be compared. */
const ENV = { PATH_POLICY: 'pass', UNDERSCORE_HEADERS: 'pass', MAX_BODY_BYTES: '0', ACCESS_LOG: 'off', LOG_LEVEL: 'warn' }

/** The answer to a request that ends with the connection kept. */
interface Answered {
  readonly interim: ExactMessage[]
  readonly final: ExactMessage
}

/** A gateway before one backend, and a client that keeps its connection as long as it can. */
class Lane {
  readonly gateway: Gateway
  readonly backend: RecordingBackend
  #wire: Wire | undefined

  constructor (gateway: Gateway, backend: RecordingBackend) {
    this.gateway = gateway
    this.backend = backend
  }

  static async open (s: Scenario): Promise<Lane> {
    const backend = await RecordingBackend.start(answerSerial)
    s.atEnd(() => backend.stop())
    const lane = new Lane(await s.gateway([backend], { env: ENV }), backend)
    s.atEnd(() => lane.leave())
    return lane
  }

  /** The client's connection, a new one if the last has closed. */
  async wire (): Promise<Wire> {
    if (this.#wire === undefined || this.#wire.ending !== undefined) {
      await this.leave()
      this.#wire = await Wire.open(this.gateway.port)
    }
    return this.#wire
  }

  async leave (): Promise<void> {
    await this.#wire?.leave()
    this.#wire = undefined
  }

  /** What a request gives, sent in these pieces. */
  async ask (pieces: readonly Buffer[], method: string): Promise<Answered> {
    const wire = await this.wire()
    await wire.send(pieces)
    return await readAnswer(wire, method)
  }

  /** Where an answer that says nothing but which request it belongs to, and that request at the backend, are not as they should be. */
  faultsOf ({ final }: Answered, { expected }: MadeRequest): string[] {
    const recorded = this.backend.find(Number(valuesOf(final.fields, 'x-serial')[0]))
    if (statusOf(final) !== 200 || recorded === undefined) return [`refused: ${final.startLine} ${final.body.toString()}`]
    return requestFaults(recorded.message, expected)
  }
}

scenario('a request reaches the backend as it was sent: method, target, fields, body, trailers', async (s, t) => {
  const lane = await Lane.open(s)
  await holds(t, lane, request(), 700, async (made) => {
    lane.backend.forget()
    const answered = await lane.ask([bytesOf(made)], made.expected.method)
    const { requests, faults } = lane.backend
    if (made.isLast) await expectEnd(await lane.wire())
    return [...lane.faultsOf(answered, made), ...faults, ...difference('requests at the backend', requests.length, 1)]
  })
})

scenario('an answer reaches the client as it was sent: status, fields, body, trailers, and what came before it', async (s, t) => {
  const lane = await Lane.open(s)
  await holds(t, lane, response(), 700, async (made) => {
    lane.backend.reply = (recorded) => play(recorded, made, [bytesOf(made)])
    const answered = await lane.ask([requestFor(made)], made.method)
    return answerFaults(answered, made)
  })
})

scenario('how the bytes of a request are cut makes no difference', async (s, t) => {
  const lane = await Lane.open(s)
  const cuts = fc.array(fc.nat(400), { maxLength: 12 })
  await holds(t, lane, fc.tuple(request({ isSmall: true, isKept: true }), cuts), 400, async ([made, places]) => {
    return lane.faultsOf(await lane.ask(cutAt(bytesOf(made), places), made.expected.method), made)
  })
  await holds(t, lane, request({ isSmall: true, isKept: true }), 6, async (made) => {
    for (let place = 1; place < made.sent.length; place++) {
      lane.backend.forget()
      const faults = lane.faultsOf(await lane.ask(cutAt(bytesOf(made), [place]), made.expected.method), made)
      if (faults.length > 0) return [`cut at byte ${place}`, ...faults]
    }
    // The first bytes of a connection are read by somebody else than those that follow.
    await lane.leave()
    return lane.faultsOf(await lane.ask(Array.from(bytesOf(made), (byte) => Buffer.of(byte)), made.expected.method), made)
  })
})

scenario('how the bytes of an answer are cut makes no difference', async (s, t) => {
  const lane = await Lane.open(s)
  const answered = async (made: MadeResponse, places: readonly number[]): Promise<string[]> => {
    lane.backend.reply = (recorded) => play(recorded, made, cutAt(bytesOf(made), places))
    return answerFaults(await lane.ask([requestFor(made)], made.method), made)
  }
  const cuts = fc.array(fc.nat(400), { maxLength: 12 })
  await holds(t, lane, fc.tuple(response({ isSmall: true }), cuts), 400, async ([made, places]) => await answered(made, places))
  await holds(t, lane, response({ isSmall: true }), 6, async (made) => {
    for (let place = 1; place < made.sent.length; place++) {
      const faults = await answered(made, [place])
      if (faults.length > 0) return [`cut at byte ${place}`, ...faults]
    }
    return []
  })
})

scenario('one to six requests in one write are answered in their order, each with its own answer', async (s, t) => {
  const lane = await Lane.open(s)
  const turns = fc.array(fc.nat(6), { minLength: 6, maxLength: 6 })
  await holds(t, lane, fc.tuple(fc.array(request({ isKept: true }), { minLength: 1, maxLength: 6 }), turns), 300, async ([requests, delays]) => {
    lane.backend.forget()
    lane.backend.reply = async (recorded) => {
      for (let left = delays[recorded.serial % delays.length] ?? 0; left > 0; left--) await new Promise(setImmediate)
      answerSerial(recorded)
    }
    const wire = await lane.wire()
    await wire.send([Buffer.concat(requests.map(bytesOf))])
    for (const [i, made] of requests.entries()) {
      const faults = lane.faultsOf(await readAnswer(wire, made.expected.method), made)
      if (faults.length > 0) return [`answer ${i + 1} of ${requests.length}`, ...faults]
    }
    return difference('what follows the last answer', wire.unread.toString('latin1'), '')
  })
})

scenario('who waits to be asked for a body is asked behind the answers to the requests before', async (s, t) => {
  const lane = await Lane.open(s)
  const wire = await lane.wire()
  for (let round = 0; round < 5; round++) {
    await wire.send([Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\nPUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nxGET / HTTP/1.1\r\nhost: a\r\n\r\n')])
    const answers = [await readAnswer(wire, 'GET'), await readAnswer(wire, 'PUT'), await readAnswer(wire, 'GET')]
    t.strictSame(answers.map(({ final }) => final.body.toString()), ['ok', 'ok', 'ok'])
  }
})

/** Fails, with the smallest case that shows it, if `faultsOf` finds any in `cases` cases. */
async function holds<Case> (t: Test, lane: Lane, cases: fc.Arbitrary<Case>, count: number, faultsOf: (one: Case) => Promise<string[]>): Promise<void> {
  let played = 0
  const property = fc.asyncProperty(cases, async (one) => {
    played++
    const faults = await faultsOf(one).catch((error: unknown) => [String(error)])
    if (faults.length === 0) return
    // What a fault leaves behind must not be blamed on the next case.
    await lane.leave()
    throw new Error(faults.join('\n'))
  })
  const details = await fc.check(property, { seed: SEED, numRuns: count, plugins: [fc.interruptAfterTimeLimit(TIME_LIMIT_MS, { failOnInterrupt: true })] })
  const report = await fc.asyncDefaultReportMessage(details)
  t.equal(report && `${String(details.errorInstance)}\n${report}`, undefined, `${played} cases hold`, { at: null, stack: '' })
}

function bytesOf ({ sent }: { readonly sent: string }): Buffer {
  return Buffer.from(sent, 'latin1')
}

async function play ({ wire }: Recorded, { closes }: MadeResponse, pieces: readonly Buffer[]): Promise<void> {
  await wire.send(pieces)
  if (closes) wire.socket.end()
}

function requestFor ({ method }: MadeResponse): Buffer {
  return Buffer.from(`${method} / HTTP/1.1\r\nhost: a\r\n${method === 'POST' ? 'content-length: 1\r\n\r\nx' : '\r\n'}`)
}

/** The next final answer, and those before it. */
async function readAnswer (wire: Wire, method: string): Promise<Answered> {
  const interim: ExactMessage[] = []
  for (;;) {
    const read = await wire.next('an answer', (bytes, hasEnded) => readResponse(bytes, method, hasEnded))
    if (read === undefined) throw new Error(`the connection ended (${wire.ending}) within ${JSON.stringify(wire.unread.toString('latin1'))}`)
    if (statusOf(read.message) >= 200) return { interim, final: read.message }
    interim.push(read.message)
  }
}

/** Nothing comes any more on a connection whose last answer was read. */
async function expectEnd (wire: Wire): Promise<void> {
  const more = await wire.next('the end of the connection', ({ length }) => ({ length }))
  if (more !== undefined) throw new Error('more came behind the last answer')
}

function answerFaults ({ interim, final }: Answered, { expected }: MadeResponse): string[] {
  const reason = final.startLine.slice('HTTP/1.1 200 '.length)
  const own = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'trailer'])
  const lengths = valuesOf(final.fields, 'content-length')
  return [
    ...difference('interim answers', interim.map((message) => [statusOf(message), responseFields(message.fields)]), expected.interim),
    ...difference('status', statusOf(final), expected.status),
    ...expected.reason === undefined ? [] : difference('reason', reason, expected.reason),
    ...difference('fields', final.fields.map(([name, text]) => [name.toLowerCase(), text]).filter(([name = '']) => !own.has(name)), expected.fields),
    ...expected.length === undefined ? [] : difference('length', lengths[0], expected.length),
    ...difference('body', final.body.toString('latin1'), expected.body),
    ...difference('trailers', final.trailers, expected.trailers)
  ]
}
