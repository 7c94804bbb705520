/**
 * The health check of gRPC (grpc.health.v1.Health/Check, "GRPC Health Checking Protocol"), written out: one message with an
 * empty service name there, one with a status back.
 */
import type { ProbeOutcome } from '../health/prober.ts'
import type { FieldList } from '../wire/fields.ts'
import { OWN_REQUEST, type UpstreamRequest } from './carrier.ts'

/** What a gRPC server answers to a request that is none of gRPC ("gRPC over HTTP/2", Requests). */
export const STATUS_NOT_GRPC = 415

/** A message of no bytes: not compressed, length 0. */
const EMPTY_MESSAGE = Buffer.from([0, 0, 0, 0, 0])

const MESSAGE_PREFIX_BYTES = 5

/** `status`, field 1, as a varint. */
const STATUS_TAG = 0x08
const SERVING = 1

const OK = '0'
const UNIMPLEMENTED = '12'

export const GRPC_HEALTH_CHECK: UpstreamRequest = {
  ...OWN_REQUEST,
  method: 'POST',
  target: '/grpc.health.v1.Health/Check',
  fields: ['content-type', 'application/grpc', 'user-agent', 'fastlancer-probe'],
  body: EMPTY_MESSAGE,
  wantsTrailers: true
}

/** What the answer says. A server without a health service answers all the same: it is alive, and more it cannot tell. */
export function grpcVerdict (body: Buffer, heads: FieldList): ProbeOutcome {
  const status = valueOf(heads, 'grpc-status')
  if (status === UNIMPLEMENTED) return { good: true, reason: 'answered gRPC, without a health service' }
  if (status !== OK) return { good: false, reason: `answered the gRPC health check with status ${status ?? 'none'}` }
  const message = body.subarray(MESSAGE_PREFIX_BYTES)
  // UNKNOWN, the value 0, is not written at all.
  const health = message[0] === STATUS_TAG ? message[1] : 0
  return { good: health === SERVING, reason: health === SERVING ? 'answered SERVING' : `answered gRPC health ${health}` }
}

function valueOf (fields: FieldList, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1]
  }
  return undefined
}
