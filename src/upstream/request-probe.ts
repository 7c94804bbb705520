/**
 * A probe that asks: one request on a connection of its own, whose whole answer says how the backend is. A backend of HTTP/2 that speaks
 * gRPC alone has no answer to that: it is asked in its own language.
 */
import type { ProbeOutcome } from '../health/prober.ts'
import type { FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { BackendAddress } from './backend-address.ts'
import { type CarrierListener, type Carriers, OWN_REQUEST } from './carrier.ts'
import { carriersTo } from './carriers.ts'
import { describeCause } from './failure.ts'
import { grpcHealthCheck, grpcVerdict, STATUS_NOT_GRPC } from './grpc-health.ts'
import { CONNECT_TIMEOUT_MS, type ProbeSettings } from './probe-settings.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** An answer's body is read up to this size; what comes after it says nothing of health. */
const BODY_LIMIT_BYTES = 64 * 1024

interface ProbeAnswer {
  readonly head: ResponseHead
  readonly body: Buffer
  readonly trailers: FieldList
}

/** Sends it; `done` is called once, unless the function that is returned is called before. */
export function requestProbe (settings: ProbeSettings, address: BackendAddress, tls: UpstreamTls, done: (outcome: ProbeOutcome) => void): () => void {
  const carriers = carriersTo(address, { connectTimeoutMs: CONNECT_TIMEOUT_MS, tls })
  let isOver = false
  const finish = (outcome: ProbeOutcome): void => {
    if (isOver) return
    isOver = true
    carriers.close()
    done(outcome)
  }
  if (settings.protocol === 'grpc') askInGrpc(settings, carriers, finish)
  else ask(settings, address, carriers, finish)
  return () => {
    isOver = true
    carriers.close()
  }
}

function ask (settings: ProbeSettings, address: BackendAddress, carriers: Carriers, finish: (outcome: ProbeOutcome) => void): void {
  const { protocol, method, path, host, fields, statuses } = settings
  carriers.takeNew().send({ ...OWN_REQUEST, method, target: path, host, fields }, new ProbeListener((answer) => {
    const { statusCode } = answer.head
    const isGrpc = protocol === 'auto' && address.protocol === 'h2' && statusCode === STATUS_NOT_GRPC && !statuses.includes(statusCode) && !drains(answer, settings)
    if (isGrpc) askInGrpc(settings, carriers, finish)
    else finish(asking(answer, settings, httpVerdict(answer, settings)))
  }, finish))
}

function askInGrpc (settings: ProbeSettings, carriers: Carriers, finish: (outcome: ProbeOutcome) => void): void {
  const { protocol, grpcService, host, fields } = settings
  const request = grpcHealthCheck(grpcService, host, withoutContentType(fields))
  carriers.takeNew().send(request, new ProbeListener((answer) => {
    const { head, body, trailers } = answer
    finish(asking(answer, settings, grpcVerdict(body, [...head.fields, ...trailers], protocol === 'auto')))
  }, finish))
}

function httpVerdict ({ head: { statusCode }, body }: ProbeAnswer, { statuses, bodyText }: ProbeSettings): ProbeOutcome {
  if (!statuses.includes(statusCode)) return { good: false, reason: `answered ${statusCode}` }
  if (bodyText === '' || body.includes(bodyText)) return { good: true, reason: `answered ${statusCode}` }
  return { good: false, reason: `answered ${statusCode}, without the text of HEALTH_BODY` }
}

/** The outcome, with what the backend asks for besides. */
function asking (answer: ProbeAnswer, settings: ProbeSettings, outcome: ProbeOutcome): ProbeOutcome {
  return drains(answer, settings) ? { ...outcome, drains: true } : outcome
}

function drains ({ head }: ProbeAnswer, { drainsByAnswer }: ProbeSettings): boolean {
  return head.drains && drainsByAnswer
}

/** That of a health check is gRPC's. */
function withoutContentType (fields: FieldList): FieldList {
  return fields.filter((_, i) => fields[i - (i % 2)] !== 'content-type')
}

/** Collects an answer, up to the limit. */
class ProbeListener implements CarrierListener {
  readonly #onAnswer: (answer: ProbeAnswer) => void
  readonly #onFailure: (outcome: ProbeOutcome) => void
  #head: ResponseHead | undefined
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #isOver = false

  constructor (onAnswer: (answer: ProbeAnswer) => void, onFailure: (outcome: ProbeOutcome) => void) {
    this.#onAnswer = onAnswer
    this.#onFailure = onFailure
  }

  onSent (): void {}

  onBodySent (): void {}

  onInformation (): void {}

  onHead (head: ResponseHead): void {
    this.#head = head
  }

  onBody (data: Buffer): void {
    if (this.#isOver) return
    this.#chunks.push(data.subarray(0, BODY_LIMIT_BYTES - this.#bytes))
    this.#bytes += data.length
    if (this.#bytes > BODY_LIMIT_BYTES) this.onEnd([])
  }

  onMoreToCome (): void {}

  onEnd (trailers: FieldList): void {
    if (this.#head === undefined || this.#isOver) return
    this.#isOver = true
    this.#onAnswer({ head: this.#head, body: Buffer.concat(this.#chunks), trailers })
  }

  /** Never asked for. */
  onUpgrade (): void {}

  onError (error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    const broken = this.#head === undefined ? '' : 'broke off its answer: '
    this.#onFailure({ good: false, reason: `${broken}${describeCause(error)}` })
  }
}
