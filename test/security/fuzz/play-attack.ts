/** Plays an attack of a client: whatever reaches the backend has to be what Node's own parser sees in the bytes, and each answer has to be that of its request. */
import { setTimeout as wait } from 'node:timers/promises'
import { requestFaults } from '../end-to-end.ts'
import { askedBy, bodySoFar, type ExactMessage, type Field, readResponse, statusOf, valuesOf } from '../exact-message.ts'
import { answerSerial, type Recorded } from '../recording-backend.ts'
import { cutAt, type Wire } from '../wire.ts'
import type { Arena } from './arena.ts'
import { type Attack, HIDDEN } from './grammar.ts'
import { requestsIn, type SeenRequest } from './oracle.ts'

/** A client that has nothing more to say waits so long for an answer before it ends its side, in ms. */
const QUIET_MS = 40

/** How long the gateway may take to close the connection of a client that has ended its side, in ms. */
const CLOSE_BOUND_MS = 5_000

const MANY_CUTS = 8
const PAUSE_MS = 2

/** What a client of HTTP/2 says first: what follows is not for this fuzzer. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export interface Played {
  readonly faults: string[]
  /** Whether a request has reached the backend. */
  readonly isAccepted: boolean
}

export async function playAttack (arena: Arena, { text, cuts, isAmbiguous }: Attack): Promise<Played> {
  const bytes = Buffer.from(text, 'latin1')
  const seen = await requestsIn(bytes)
  const entry = arena.enter(JSON.stringify(text), answerSerial, (head, rest) => cutFaults(head, rest, seen))
  const wire = await arena.connect(entry)
  const faults: string[] = []
  try {
    await wire.send(cutAt(bytes, cuts), pauseFor(cuts))
    const answers = await readAnswers(wire, seen, text.startsWith(PREFACE))
    await arena.settled(entry)
    faults.push(...judge(answers, entry.requests, seen))
    if (isAmbiguous && entry.requests.some(({ message }) => askedBy(message).target === HIDDEN)) faults.push('what an ambiguous request hides has reached the backend')
  } catch (error) {
    faults.push(String(error))
  }
  await wire.leave()
  return { faults, isAccepted: entry.requests.length > 0 }
}

/** Whether an answer is one of the gateway's own errors. */
export function isOwnError ({ body, fields }: ExactMessage): boolean {
  return valuesOf(fields, 'x-serial').length === 0 && (body.length === 0 || body.includes('"code":"FL_'))
}

/** Time between two writes, in ms, so that the gateway reads them apart; many get none, and are read as it comes. */
export function pauseFor (cuts: readonly number[]): number {
  return cuts.length > MANY_CUTS ? 0 : PAUSE_MS
}

/** All final answers until the gateway closes the connection; the client ends its side when it has got what it can expect. */
async function readAnswers (wire: Wire, seen: readonly SeenRequest[], isHttp2: boolean): Promise<ExactMessage[]> {
  const answers: ExactMessage[] = []
  const wanted = seen.filter(({ isWhole }) => isWhole).length
  let hasEnded = false
  let isQuiet = false
  for (;;) {
    const method = seen[answers.length]?.method ?? 'GET'
    const read = isHttp2 ? undefined : wire.take((bytes, isOver) => readResponse(bytes, method, isOver))
    if (read !== undefined) {
      if (statusOf(read.message) >= 200) answers.push(read.message)
      // An error for bytes that are no request does not know that they were to be a HEAD.
      if (method === 'HEAD' && statusOf(read.message) >= 400) wire.take(({ length }) => ({ length }))
      continue
    }
    if (wire.ending !== undefined) break
    if (!hasEnded && (isQuiet || answers.length >= wanted)) {
      hasEnded = true
      wire.socket.end()
    }
    if (await hasNews(wire, hasEnded ? CLOSE_BOUND_MS : QUIET_MS)) continue
    if (hasEnded) throw new Error('the connection stays open, though the client has ended its side')
    isQuiet = true
  }
  // A client that has ended its side in the middle of a request may find an answer cut.
  if (wire.unread.length > 0 && !isHttp2 && !hasEnded) throw new Error(`no whole answer: ${JSON.stringify(wire.unread.toString('latin1', 0, 300))}`)
  return answers
}

async function hasNews (wire: Wire, boundMs: number): Promise<boolean> {
  if (wire.ending !== undefined) return true
  const cancel = new AbortController()
  const late = wait(boundMs, false, { signal: cancel.signal }).catch(() => false)
  const news = await Promise.race([late, new Promise<boolean>((resolve) => { wire.onNews = () => resolve(true) })])
  cancel.abort()
  return news
}

function judge (answers: readonly ExactMessage[], requests: readonly Recorded[], seen: readonly SeenRequest[]): string[] {
  const faults: string[] = []
  const answered = new Set<Recorded>()
  const taken = new Set<SeenRequest>()
  for (const [i, answer] of answers.entries()) {
    const serial = valuesOf(answer.fields, 'x-serial')[0]
    if (serial === undefined) {
      faults.push(...ownErrorFaults(answer, i === answers.length - 1).map((fault) => `answer ${i + 1}: ${fault}`))
      continue
    }
    const request = requests.find((one) => String(one.serial) === serial)
    const wanted = seen[i]
    if (request === undefined || wanted === undefined) faults.push(`answer ${i + 1} is that of another client's request, or of none that Node sees`)
    else {
      answered.add(request)
      taken.add(wanted)
      faults.push(...requestFaults(request.message, wanted.expected).map((fault) => `request ${i + 1}: ${fault}`))
    }
  }
  for (const request of requests) {
    if (answered.has(request)) continue
    const match = seen.find((one) => one.isWhole && !taken.has(one) && requestFaults(request.message, one.expected).length === 0)
    if (match === undefined) faults.push(`Node does not see the request ${JSON.stringify([request.message.startLine, ...request.message.fields, request.message.body.toString('latin1', 0, 300)])}`)
    else taken.add(match)
  }
  return faults
}

/** The backend is well: only the client can be at fault. */
function ownErrorFaults (answer: ExactMessage, isLast: boolean): string[] {
  const status = statusOf(answer)
  const faults = isOwnError(answer) ? [] : [`neither an answer of the backend nor an error of the gateway: ${answer.startLine} ${answer.body.toString('latin1')}`]
  if (status < 400 || (status >= 500 && status !== 501 && status !== 505)) faults.push(`${answer.startLine} ${answer.body.toString()}`)
  if (!isLast) faults.push(`the connection goes on behind ${answer.startLine}`)
  return faults
}

/** A request that is cut for the backend has to be one that Node sees, as far as it goes. */
function cutFaults ({ startLine, fields }: { readonly startLine: string, readonly fields: readonly Field[] }, rest: Buffer, seen: readonly SeenRequest[]): string[] {
  const body = bodySoFar(rest, fields).toString('latin1')
  const isOne = seen.some(({ expected }) => expected.body.startsWith(body) &&
    requestFaults({ startLine, fields, framing: 'none', body: Buffer.from(expected.body, 'latin1'), trailers: expected.trailers }, expected).length === 0)
  return isOne ? [] : [`Node does not see the request that was cut, ${JSON.stringify([startLine, ...fields, body.slice(0, 300)])}`]
}
