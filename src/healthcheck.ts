/**
 * `node src/healthcheck.ts`, for the HEALTHCHECK of a container: exits with 0 if the gateway of the same environment is
 * alive, with 1 if not. It asks the admin side; where that is off, a connection that PORT accepts has to do.
 */
import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import { type ConfigKey, schemaRules } from './config/env-schema.ts'
import { readEnvironment } from './config/environment.ts'

/** Below the 4 s that the Dockerfile allows; starting Node takes its part. */
const DEADLINE_MS = 2_500

/** What a listener on all addresses is asked at. */
const LOOPBACK: ReadonlyMap<string, string> = new Map([['0.0.0.0', '127.0.0.1'], ['::', '::1']])

const env = readEnvironment()
const signal = AbortSignal.timeout(DEADLINE_MS)

try {
  if (setting('ADMIN_PORT') === 'off') await assertAccepting(address('HOST'), port('PORT'))
  else await assertLive(address('ADMIN_HOST'), port('ADMIN_PORT'))
} catch (error) {
  process.stderr.write(`not healthy: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function assertLive (host: string, adminPort: number): Promise<void> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<number | undefined>()
  const request = get({ host, port: adminPort, path: '/-/live', agent: false, signal }, ({ statusCode }) => resolve(statusCode))
  request.on('error', reject)
  const status = await answered
  request.destroy()
  if (status !== 200) throw new Error(`/-/live answered ${status}`)
}

async function assertAccepting (host: string, clientPort: number): Promise<void> {
  const socket = connect({ host, port: clientPort })
  try {
    await once(socket, 'connect', { signal })
  } finally {
    socket.destroy()
  }
}

function setting (key: ConfigKey): string {
  return env[key] ?? String(schemaRules(key).get('default'))
}

function address (key: ConfigKey): string {
  const host = setting(key)
  return LOOPBACK.get(host) ?? host
}

/** Port 0 means a free one, which nobody but the gateway knows. */
function port (key: ConfigKey): number {
  const number = Number(setting(key))
  if (number === 0) throw new Error(`${key} is 0: give it a port that can be asked`)
  return number
}
