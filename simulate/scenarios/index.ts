/** All scenarios, in the order of the report. */
import type { Scenario } from '../types.ts'
import { backupGroup } from './backup-group.ts'
import { blackHole, blackHoleEjected } from './black-hole.ts'
import { burst, burstLimited } from './burst.ts'
import { coldCache } from './cold-cache.ts'
import { flapping } from './flapping.ts'
import { halfDies } from './half-dies.ts'
import { hanging } from './hanging.ts'
import { manyBackends } from './many-backends.ts'
import { manyGateways } from './many-gateways.ts'
import { mixedWeights, unknownSizes } from './mixed.ts'
import { slowStart, thunderingRecovery } from './recovery.ts'
import { rollingDeploy } from './rolling-deploy.ts'
import { skewedKeys } from './skewed-keys.ts'
import { slowBackend, slowBackendClosed, slowBackendLimited } from './slow-backend.ts'
import { steady } from './steady.ts'
import { tail, tailHedged, tailNoticed } from './tail.ts'

export const SCENARIOS: readonly Scenario[] = [
  steady, slowBackend, slowBackendLimited, slowBackendClosed, hanging, blackHole, blackHoleEjected, flapping, halfDies, thunderingRecovery,
  slowStart, rollingDeploy, burst, burstLimited, mixedWeights, unknownSizes, coldCache, skewedKeys, tail, tailHedged, tailNoticed, backupGroup,
  manyGateways, manyBackends
]
