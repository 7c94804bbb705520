/** Plays a backend's answer: the client gets what Node's own client reads in the bytes, an error or a cut, and the next request its own answer. */
import { setTimeout as wait } from 'node:timers/promises'
import { resetConnection } from '../../../src/client/reset.ts'
import { type NodeResponse, readByNode } from '../../wire/node-client.ts'
import { makeUp } from '../../wire/random-responses.ts'
import { difference, responseFields, trailerFields } from '../end-to-end.ts'
import { askedBy, type ExactMessage, type Field, readResponse, statusOf, valuesOf } from '../exact-message.ts'
import { answerSerial } from '../recording-backend.ts'
import { cutAt, type Wire } from '../wire.ts'
import type { Arena, Entry } from './arena.ts'
import { changed } from './grammar.ts'
import { isOwnError, pauseFor, type Played } from './play-attack.ts'
import { type Random, repeated, roll } from './random.ts'

/** A backend that has said all waits so long before it ends the connection, in ms; a client, when all was said, before its next request. */
const QUIET_MS = 100
const PAUSE_MS = 4

export interface MadeAnswer {
  readonly method: string
  /** As latin1. */
  readonly text: string
  readonly cuts: readonly number[]
  /** How the backend ends the connection behind it: at once, or only if the client still waits after a while. */
  readonly ending: 'fin' | 'reset' | 'late'
}

interface Final {
  readonly interim: number[]
  /** undefined: cut. */
  readonly final: ExactMessage | undefined
}

const FRAMING = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'trailer'])

/** What Node says of bytes behind an answer that is whole. */
const SURPLUS = /Data after|Expected HTTP|Invalid HTTP version|Response does not match/

const ENDINGS = ['late', 'late', 'late', 'fin', 'fin', 'reset'] as const

/** Where Node's client refuses what is no fault: other characters in chunk extensions, a Content-Length among the trailers. */
const STRICTER_BY_HABIT = /Invalid character in chunk extensions|Content-Length can't be present/

export function makeAnswer (random: Random): MadeAnswer {
  const { method, bytes } = makeUp(random)
  let text = bytes.toString('latin1')
  while (random() < 0.2) text = changed(text, random)
  const cuts = random() < 0.5 ? [] : repeated(random, 1, 5, () => roll(random, text.length))
  return { method, text, cuts, ending: ENDINGS[roll(random, ENDINGS.length)] ?? 'late' }
}

export async function playAnswer (arena: Arena, made: MadeAnswer): Promise<Played> {
  const bytes = Buffer.from(made.text, 'latin1')
  const nodes = await readFirstByNode(bytes, made.method)
  const answered = Promise.withResolvers<void>()
  const said = Promise.withResolvers<void>()
  let isAnswered = false
  const entry = arena.enter(`${made.method} answered by ${JSON.stringify(made.text)}, cut at ${made.cuts.join()}, then ${made.ending}`, async (recorded) => {
    if (askedBy(recorded.message).target === '/next') return answerSerial(recorded)
    const { socket } = recorded.wire
    await recorded.wire.send(cutAt(bytes, made.cuts), pauseFor(made.cuts))
    said.resolve()
    if (made.ending === 'late') await Promise.race([answered.promise, wait(QUIET_MS)])
    if (made.ending === 'reset') resetConnection(socket)
    else if (made.ending === 'fin' || !isAnswered) socket.end()
  }, () => [])
  const wire = await arena.connect(entry)
  const faults: string[] = []
  let isRelayed = false
  try {
    wire.socket.write(`${made.method} / HTTP/1.1\r\nhost: a.test\r\n\r\n`)
    const told = await readFinal(wire, made.method)
    isAnswered = true
    answered.resolve()
    isRelayed = told.final !== undefined && !isOwnError(told.final)
    if (isRelayed) faults.push(...relayedFaults(told, nodes))
    await Promise.race([said.promise, wait(QUIET_MS)])
    await wait(PAUSE_MS)
    faults.push(...await nextFaults(arena, entry, wire))
  } catch (error) {
    faults.push(String(error))
  }
  await wire.leave()
  return { faults, isAccepted: isRelayed }
}

/** The answer that Node reads at the beginning of the bytes, whatever follows it: Node itself refuses that. */
async function readFirstByNode (bytes: Buffer, method: string): Promise<NodeResponse | string> {
  const all = await readByNode(bytes, method)
  if (typeof all !== 'string' || !SURPLUS.test(all)) return all
  for (let length = 1; length < bytes.length; length++) {
    const first = await readByNode(bytes.subarray(0, length), method)
    if (typeof first !== 'string') return first
  }
  return all
}

async function readFinal (wire: Wire, method: string): Promise<Final> {
  const interim: number[] = []
  for (;;) {
    const read = await wire.next('an answer', (bytes, hasEnded) => readResponse(bytes, method, hasEnded))
    if (read === undefined || statusOf(read.message) >= 200) return { interim, final: read?.message }
    interim.push(statusOf(read.message))
  }
}

/** Where an answer that was passed on as whole is not what Node reads. */
function relayedFaults ({ interim, final }: Final, nodes: NodeResponse | string): string[] {
  if (final === undefined) return []
  if (typeof nodes === 'string') return STRICTER_BY_HABIT.test(nodes) ? [] : [`passed on as ${final.startLine}, though Node says "${nodes}"`]
  const fields = responseFields(pairs(nodes.fields))
  // Two of them are one too many anyway: Fastify makes them one. Names that are numbers change their place in its objects.
  const isTyped = fields.filter(([name]) => name === 'content-type').length < 2
  const isCompared = ([name]: Field): boolean => !FRAMING.has(name.toLowerCase()) && (isTyped || name.toLowerCase() !== 'content-type') && !/^(?:\d+|__proto__)$/.test(name)
  const trailers = trailerFields(pairs(nodes.trailers)).map(([name, value]) => [name.toLowerCase(), value])
  return [
    ...difference('status', statusOf(final), nodes.statusCode),
    // Nobody has asked for a 100.
    ...difference('interim answers', interim, nodes.provisional.filter((status) => status !== 100)),
    ...difference('fields', final.fields.filter(isCompared).map(([name, value]) => [name.toLowerCase(), value]), fields.filter(isCompared)),
    ...difference('body', final.body.toString('latin1'), nodes.body),
    ...difference('trailers', final.trailers, final.framing === 'chunked' ? trailers : [])
  ]
}

/** The next request gets its own answer, over the same connection if that is still there. */
async function nextFaults (arena: Arena, entry: Entry, wire: Wire): Promise<string[]> {
  if (wire.unread.length > 0 && wire.ending === undefined) return [`more came behind the answer: ${JSON.stringify(wire.unread.toString('latin1', 0, 300))}`]
  const final = await askNext(wire)
  if (final !== undefined) return servedFaults(entry, final)
  const another = await arena.connect(entry)
  try {
    return servedFaults(entry, await askNext(another))
  } finally {
    await another.leave()
  }
}

async function askNext (wire: Wire): Promise<ExactMessage | undefined> {
  if (wire.ending !== undefined) return undefined
  wire.socket.write('GET /next HTTP/1.1\r\nhost: a.test\r\n\r\n')
  return (await readFinal(wire, 'GET')).final
}

function servedFaults ({ requests }: Entry, final: ExactMessage | undefined): string[] {
  if (final === undefined) return ['the next request is not answered']
  const serial = valuesOf(final.fields, 'x-serial')[0]
  const isIts = requests.some((one) => String(one.serial) === serial && askedBy(one.message).target === '/next')
  return isIts && final.body.toString() === 'ok' ? [] : [`the next request has the answer ${JSON.stringify([final.startLine, ...final.fields, final.body.toString('latin1', 0, 300)])}`]
}

function pairs (raw: readonly string[]): Field[] {
  return raw.flatMap((name, i) => i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : [])
}
