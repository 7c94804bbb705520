/** `fastify.config`: the validated environment. Every fault is named at once, and any fault stops the start. */
import fastifyEnv from '@fastify/env'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { parseTrust } from '../src/client/trust.ts'
import { type Config, type Environment, EnvSchema } from '../src/config/env-schema.ts'
import { crossFieldFaults, type SchemaFault, schemaFaults } from '../src/config/faults.ts'
import { ConfigInvalidError } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The configuration in force. */
    readonly config: Config
  }
}

export interface ConfigOptions {
  /** The variables to read; nothing else is read. */
  readonly env: Environment
}

async function config (fastify: FastifyInstance, { env }: ConfigOptions): Promise<void> {
  const faults = [...crossFieldFaults(env), ...parseTrust(env['TRUST_PROXY'] ?? '').faults]
  try {
    await fastify.register(fastifyEnv, { schema: structuredClone(EnvSchema), data: { ...env }, env: false })
  } catch (error) {
    if (!hasSchemaFaults(error)) throw error
    faults.unshift(...schemaFaults(error.errors, env))
  }
  if (faults.length > 0) throw new ConfigInvalidError(faults.map((fault) => `  - ${fault}`).join('\n'))
  fastify.log.level = fastify.config.LOG_LEVEL
}

function hasSchemaFaults (error: unknown): error is { errors: readonly SchemaFault[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

export default fp(config, { name: 'fastlancer-config', fastify: '5.x' })
