/** All faults, in the order of the page. */
import type { Fault } from '../types.ts'
import { blackholed } from './network.ts'
import { flapping, killed, lostHalf, stopped } from './processes.ts'
import { errors, refused, resetting, slow } from './servers.ts'

export const FAULTS: readonly Fault[] = [killed, lostHalf, flapping, refused, stopped, blackholed, slow, errors, resetting]

/** Those that other gateways are put before. */
export const FAULTS_OF_PEERS: readonly Fault[] = [killed, stopped, errors]
