/**
 * The health check of gRPC (grpc.health.v1.Health/Check, "GRPC Health Checking Protocol"), written out: one message with the name of a
 * service there, one with a status back.
 */
import type { ProbeOutcome } from '../health/prober.ts'
import type { FieldList } from '../wire/fields.ts'
import { OWN_REQUEST, type UpstreamRequest } from './carrier.ts'

/** What a gRPC server answers to a request that is none of gRPC ("gRPC over HTTP/2", Requests). */
export const STATUS_NOT_GRPC = 415

/** A message begins with a byte that says that it is not compressed, and four for its length. */
const MESSAGE_PREFIX_BYTES = 5
const LENGTH_AT = 1

/** `service`, field 1 of the request, as a text. */
const SERVICE_TAG = 0x0a

/** `status`, field 1 of the answer, as a varint. */
const STATUS_TAG = 0x08
const SERVING = 1

const OK = '0'
const NOT_FOUND = '5'
const UNIMPLEMENTED = '12'

/** A check that asks for a service, or for the server as a whole if the name is empty. `fields` are sent besides. */
export function grpcHealthCheck (service: string, host: string | undefined, fields: FieldList): UpstreamRequest {
  return {
    ...OWN_REQUEST,
    method: 'POST',
    target: '/grpc.health.v1.Health/Check',
    host,
    fields: ['content-type', 'application/grpc', ...fields],
    body: framed(service),
    wantsTrailers: true
  }
}

/**
 * What the answer says. A server without a health service answers all the same: it is alive, and more it cannot tell. That is good if
 * it was not known (`isGuess`) that it speaks gRPC.
 */
export function grpcVerdict (body: Buffer, heads: FieldList, isGuess: boolean): ProbeOutcome {
  const status = valueOf(heads, 'grpc-status')
  if (status === UNIMPLEMENTED) return { good: isGuess, reason: 'answered gRPC, without a health service' }
  if (status === NOT_FOUND) return { good: false, reason: 'answered that it does not know the service of HEALTH_GRPC_SERVICE' }
  if (status !== OK) return { good: false, reason: `answered the gRPC health check with status ${status ?? 'none'}` }
  const message = body.subarray(MESSAGE_PREFIX_BYTES)
  if (message.length === 1) return { good: false, reason: 'answered the gRPC health check with a message that is cut short' }
  // UNKNOWN, the value 0, is not written at all.
  const health = message[0] === STATUS_TAG ? message[1] : 0
  return { good: health === SERVING, reason: health === SERVING ? 'answered SERVING' : `answered gRPC health ${health}` }
}

/** The request as one message. An empty name is not written at all. */
function framed (service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([SERVICE_TAG, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(MESSAGE_PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, LENGTH_AT)
  return Buffer.concat([prefix, message])
}

/** Seven bits a byte, the lowest first; all but the last byte have their highest bit set. */
function varint (value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

function valueOf (fields: FieldList, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1]
  }
  return undefined
}
