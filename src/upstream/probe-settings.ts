/** What a probe is, as the configuration has it. */
import type { Config } from '../config/env-schema.ts'
import { parseProbeFields } from '../config/probe-fields.ts'
import { parseStatuses } from '../config/status-list.ts'
import type { FieldList } from '../wire/fields.ts'

export interface ProbeSettings {
  /** auto: a request, and gRPC's health check where a backend of HTTP/2 turns out to speak gRPC alone. tcp: a connection that opens. */
  readonly protocol: 'auto' | 'http' | 'grpc' | 'tcp'
  readonly method: string
  /** Path and query, for backends whose probe has none of its own. */
  readonly path: string
  /** Host, or :authority; undefined: that of the address that is asked. */
  readonly host: string | undefined
  /** Names in lower case. */
  readonly fields: FieldList
  /** Good ones. */
  readonly statuses: readonly number[]
  /** What the answer's body has to contain; empty: anything. */
  readonly bodyText: string
  /** The service that gRPC's health check asks for; empty: the server as a whole. */
  readonly grpcService: string
  /** Whether an answer may ask for draining. */
  readonly drainsByAnswer: boolean
}

/** The keys of the configuration that a probe is made of. */
type ProbeKey = 'HEALTH_PROTOCOL' | 'HEALTH_METHOD' | 'HEALTH_PATH' | 'HEALTH_HOST' | 'HEALTH_HEADERS' | 'HEALTH_STATUSES' | 'HEALTH_BODY' | 'HEALTH_GRPC_SERVICE' | 'DRAIN_BY_ANSWER'

/** Time for a probe's connection to open, in ms: any. The prober's own deadline comes first. */
export const CONNECT_TIMEOUT_MS = 2_147_483_647

/** How a probe introduces itself, unless HEALTH_HEADERS says otherwise. */
const USER_AGENT: FieldList = ['user-agent', 'fastlancer-probe']

/** What the configuration says of probes. */
export function probeSettings (config: Pick<Config, ProbeKey>): ProbeSettings {
  const { fields } = parseProbeFields(config.HEALTH_HEADERS)
  return {
    protocol: config.HEALTH_PROTOCOL,
    method: config.HEALTH_METHOD,
    path: config.HEALTH_PATH,
    host: config.HEALTH_HOST === '' ? undefined : config.HEALTH_HOST,
    fields: fields.some((text, i) => i % 2 === 0 && text === 'user-agent') ? fields : [...USER_AGENT, ...fields],
    statuses: parseStatuses(config.HEALTH_STATUSES),
    bodyText: config.HEALTH_BODY,
    grpcService: config.HEALTH_GRPC_SERVICE,
    drainsByAnswer: config.DRAIN_BY_ANSWER === 'on'
  }
}
