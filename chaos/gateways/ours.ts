/** Fastlancer with a policy and settings. */
import { fastlancer } from '../../bench/peers/fastlancer.ts'
import type { Values } from '../settings.ts'
import type { Gateway } from '../types.ts'

/** By the client's address all of the load would go to one backend. */
const HASH_KEY = 'path'

/** `name`: what the settings are called. */
export function ours (policy: string, name: string, values: Values): Gateway {
  return {
    name: policy,
    settings: name,
    isOurs: true,
    start: async (site, backends) => await fastlancer.start(site, { protocol: 'http', backends, settings: { POLICY: policy, HASH_KEY, ...values } })
  }
}
