/** Slow requests, and two backends that may both get them. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Environment } from '../../src/config/env-schema.ts'
import { type Answered, call, type Gateway, type Scenario, until } from '../helper.ts'
import { Held } from './held-backend.ts'

/** Requests after which it is known what is slow. */
const KNOWN = 100

export interface Racing {
  readonly gateway: Gateway
  readonly a: Held
  readonly b: Held
}

/** Two backends, the first of which has its turn, behind a gateway that knows what is slow: more than a few ms. */
export async function racing (s: Scenario, env: Environment = {}, more: ReadonlyArray<{ readonly url: string }> = []): Promise<Racing> {
  const [a, b] = [await Held.start(s), await Held.start(s, 'b')]
  const gateway = await s.gateway([a.origin, b.origin, ...more], { env: { HEDGING: 'on', ...env } })
  for (const held of [a, b]) held.isFast = true
  await learn(s, gateway)
  for (const held of [a, b]) held.isFast = false
  return { gateway, a, b }
}

/** Sends as many requests as it takes. */
export async function learn (s: Scenario, gateway: Gateway): Promise<void> {
  const agent = s.agent()
  const backends = gateway.app.pool.backends.length
  for (let i = 0; i < KNOWN + (backends - KNOWN % backends) % backends; i++) await call(gateway.url, { path: `/known/${i}`, agent })
  gateway.logs.lines.length = 0
}

/** A request that is with both. */
export async function race (racers: Racing, path = '/race', options: Parameters<typeof call>[1] = {}): Promise<{ readonly answered: Promise<Answered> }> {
  const answered = call(racers.gateway.url, { path, ...options })
  await racers.a.has(path)
  await racers.b.has(path)
  return { answered }
}

/** Backends that have got a second attempt, with its number. */
export const hedges = ({ logs }: Gateway): unknown[] => logs.of('sent to a second backend').map(({ backend, attempt }) => [backend, attempt])

/** A slow request is with one of the two, and stays there alone. */
export async function slowOne (t: Test, gateway: Gateway, a: Held, b: Held, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  gateway.logs.lines.length = 0
  const answered = call(gateway.url, { path: '/slow', headers })
  await until('it has come', () => [...a.seen, ...b.seen].includes('/slow'))
  // Many times longer than what is slow here.
  await wait(200)
  t.equal([...a.seen, ...b.seen].filter((path) => path === '/slow').length, 1)
  t.strictSame(hedges(gateway), [])
  await (a.seen.includes('/slow') ? a : b).answer('/slow')
  t.equal((await answered).status, 200)
}
