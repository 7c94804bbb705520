/**
 * Sends a probe: one GET on a connection of its own; a whole answer with status 200 is good, anything else is not. A backend of
 * HTTP/2 that speaks gRPC alone has no answer to that: it is asked in its own language.
 */
import type { Probe, ProbeOutcome } from '../health/prober.ts'
import type { Backend } from '../pool/backend.ts'
import type { FieldList } from '../wire/fields.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { backendAddress } from './backend-address.ts'
import { type CarrierListener, type Carriers, OWN_REQUEST } from './carrier.ts'
import { carriersTo } from './carriers.ts'
import { describeCause } from './failure.ts'
import { GRPC_HEALTH_CHECK, grpcVerdict, STATUS_NOT_GRPC } from './grpc-health.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** An answer's body is read up to this size; what comes after it says nothing of health. */
const BODY_LIMIT_BYTES = 64 * 1024

/** The prober's own deadline comes first. */
const CONNECT_TIMEOUT_MS = 2_147_483_647

const FIELDS: FieldList = ['user-agent', 'fastlancer-probe']

/** A probe of `GET path`, in the protocol of the backend. The deadline is the prober's. */
export function httpProbe (path: string, tls: UpstreamTls): Probe<Backend> {
  return (backend, done) => {
    const address = backendAddress(backend.url)
    const carriers = carriersTo(address, { connectTimeoutMs: CONNECT_TIMEOUT_MS, tls })
    let isOver = false
    const finish = (outcome: ProbeOutcome): void => {
      if (isOver) return
      isOver = true
      carriers.close()
      done(outcome)
    }
    const request = { ...OWN_REQUEST, method: 'GET', target: path, fields: FIELDS }
    carriers.takeNew().send(request, new ProbeListener(({ head: { statusCode } }) => {
      if (address.protocol === 'h2' && statusCode === STATUS_NOT_GRPC) askInGrpc(carriers, finish)
      else finish({ good: statusCode === 200, reason: `answered ${statusCode}` })
    }, finish))
    return () => {
      isOver = true
      carriers.close()
    }
  }
}

function askInGrpc (carriers: Carriers, finish: (outcome: ProbeOutcome) => void): void {
  carriers.takeNew().send(GRPC_HEALTH_CHECK, new ProbeListener(({ head, body, trailers }) => finish(grpcVerdict(body, [...head.fields, ...trailers])), finish))
}

interface ProbeAnswer {
  readonly head: ResponseHead
  readonly body: Buffer
  readonly trailers: FieldList
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
    this.#bytes += data.length
    if (this.#bytes > BODY_LIMIT_BYTES) this.onEnd([])
    else this.#chunks.push(data)
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
