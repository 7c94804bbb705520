/** `fastify.config`: the validated environment. Every fault is named at once, and any fault stops the start. */
import fastifyEnv from '@fastify/env'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { certificateFaults, certificateOptions } from '../src/client/certificates.ts'
import { parseTrust } from '../src/client/trust.ts'
import { type Config, type Environment, EnvSchema } from '../src/config/env-schema.ts'
import type { EnvFile } from '../src/config/environment.ts'
import { crossFieldFaults, type SchemaFault, schemaFaults } from '../src/config/faults.ts'
import { unknownKeys } from '../src/config/unknown-keys.ts'
import { ConfigInvalidError } from '../src/errors.ts'
import { upstreamTlsFaults, upstreamTlsOptions } from '../src/upstream/upstream-tls.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The configuration in force. */
    readonly config: Config
  }
}

export interface ConfigOptions {
  /** The variables to read; nothing else is read. */
  readonly env: Environment
  /** The `.env` file that is in `env`, if there is one: what is wrong with it, and with its keys. */
  readonly envFile?: EnvFile | undefined
}

async function config (fastify: FastifyInstance, { env, envFile = { variables: {} } }: ConfigOptions): Promise<void> {
  const keys = unknownKeys(env, envFile.variables)
  const refused = await loadConfig(fastify, env)
  const faults = [
    ...(envFile.fault === undefined ? [] : [envFile.fault]),
    ...schemaFaults(refused, env),
    ...crossFieldFaults(env),
    ...parseTrust(env['TRUST_PROXY'] ?? '').faults,
    ...fileFaults(env),
    ...keys.faults
  ]
  if (faults.length > 0) throw new ConfigInvalidError(faults.map((fault) => `  - ${fault}`).join('\n'))
  fastify.log.level = fastify.config.LOG_LEVEL
  if (keys.strangers.length > 0) fastify.log.warn({ keys: keys.strangers }, 'keys of .env that mean nothing to the gateway')
}

/** Decorates `config`, unless the schema refuses something: gives what. */
async function loadConfig (fastify: FastifyInstance, env: Environment): Promise<readonly SchemaFault[]> {
  try {
    await fastify.register(fastifyEnv, { schema: structuredClone(EnvSchema), data: { ...env }, env: false })
    return []
  } catch (error) {
    if (!hasSchemaFaults(error)) throw error
    return error.errors
  }
}

/** What is in the files is read before their turn comes, so that its faults are among those that are named at once. */
function fileFaults (env: Environment): string[] {
  const certificates = certificateOptions(env)
  return [
    ...(certificates === undefined ? [] : certificateFaults(certificates)),
    ...upstreamTlsFaults(upstreamTlsOptions(env))
  ]
}

function hasSchemaFaults (error: unknown): error is { errors: readonly SchemaFault[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

export default fp(config, { name: 'fastlancer-config', fastify: '5.x' })
