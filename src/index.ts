/** The public API: the gateway as a Fastify application, and the types that extensions meet. */
export { type AppOptions, createApp } from './app.ts'
export type { Config, Environment } from './config/env-schema.ts'
export * as errors from './errors.ts'
export type { Backend, BackendStatus } from './pool/backend.ts'
export type { Candidate, LeftOut, PickExplanation } from './pool/explain.ts'
export type { PickContext, Policy, PolicyFactory, PolicyParts } from './pool/policy.ts'
export type { Pool, PoolStatus } from './pool/pool.ts'
export type { Exchange } from './upstream/exchange.ts'
