/** All scenarios, in the order of the report. */
import type { Scenario } from '../types.ts'
import { backends } from './backends.ts'
import { answers100m, answers16k, answers1m } from './download.ts'
import { fields } from './fields.ts'
import { http2 } from './http2.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { newConnection } from './new-connection.ts'
import { options } from './options.ts'
import { small, smallMany, smallOne } from './small.ts'
import { tls } from './tls.ts'
import { uploadLarge, uploadSmall } from './upload.ts'
import { websocket } from './websocket.ts'
import { workers } from './workers.ts'

export const SCENARIOS: readonly Scenario[] = [
  small, smallOne, smallMany, newConnection, uploadSmall, uploadLarge, answers16k, answers1m, answers100m, fields, websocket, tls, http2, latency, idle, backends, options, workers
]
