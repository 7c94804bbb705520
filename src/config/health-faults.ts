/** What is wrong with the keys of the probe, and what of them means nothing beside another. */
import { isValidHost } from '../wire/host.ts'
import { parseBackendList } from './backend-list.ts'
import { type ConfigKey, type Environment, schemaRules } from './env-schema.ts'
import { parseProbeFields } from './probe-fields.ts'

/** Keys that mean nothing with a protocol. Those with a default that is not empty are not named: a copy of .env.example sets them all. */
const MEANINGLESS: ReadonlyMap<string, readonly ConfigKey[]> = new Map<string, readonly ConfigKey[]>([
  ['http', ['HEALTH_GRPC_SERVICE']],
  ['grpc', ['HEALTH_BODY']],
  ['tcp', ['HEALTH_HOST', 'HEALTH_HEADERS', 'HEALTH_BODY', 'HEALTH_GRPC_SERVICE']]
])

/** The faults, a sentence each. */
export function healthFaults (env: Environment): string[] {
  const text = (key: ConfigKey): string => env[key] ?? String(schemaRules(key).get('default'))
  const [protocol, host] = [text('HEALTH_PROTOCOL'), text('HEALTH_HOST')]
  const faults = [...parseProbeFields(text('HEALTH_HEADERS')).faults]
  if (host !== '' && !isValidHost(host)) faults.push(`HEALTH_HOST: "${host}" is not a host: give one such as shop.example or shop.example:8080, or leave it empty`)
  if (/\s/.test(text('HEALTH_GRPC_SERVICE'))) faults.push('HEALTH_GRPC_SERVICE: the name of a service holds no blanks: give one such as shop.Orders, or leave it empty')
  for (const key of MEANINGLESS.get(protocol) ?? []) {
    if (text(key) !== '') faults.push(`${key}: it means nothing with HEALTH_PROTOCOL=${protocol}: leave it empty, or change that`)
  }
  if (text('HEALTH_METHOD') === 'HEAD' && text('HEALTH_BODY') !== '' && protocol !== 'tcp' && protocol !== 'grpc') {
    faults.push('HEALTH_BODY: there is no body to look at with HEALTH_METHOD=HEAD: leave it empty, or take GET')
  }
  return protocol === 'grpc' ? [...faults, ...grpcFaults(text('BACKENDS'))] : faults
}

function grpcFaults (backends: string): string[] {
  return parseBackendList(backends).backends.map(({ url, probe = url }) => probe).filter((url) => !/^h2c?:/.test(url))
    .map((url) => `HEALTH_PROTOCOL: "grpc" needs HTTP/2, which "${url}" of BACKENDS is not spoken to: give it as h2c:// or h2://, or take auto`)
}
