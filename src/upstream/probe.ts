/** Sends a probe: one GET on a connection of its own; a whole answer with status 200 is good, anything else is not. */
import * as http from 'node:http'
import * as https from 'node:https'
import type { Probe, ProbeOutcome } from '../health/prober.ts'
import type { Backend } from '../pool/backend.ts'
import { describeError } from './describe-error.ts'

/** An answer's body is read up to this size; what comes after it says nothing of health. */
const BODY_LIMIT_BYTES = 64 * 1024

/** A probe of `GET path`. The deadline is the prober's. */
export function httpProbe (path: string): Probe<Backend> {
  return (backend, done) => {
    const { get } = backend.url.startsWith('https:') ? https : http
    const request = get(new URL(backend.url), { path, agent: false, headers: { 'user-agent': 'fastlancer-probe' } })
    let isOver = false
    const finish = (outcome: ProbeOutcome): void => {
      if (isOver) return
      isOver = true
      request.destroy()
      done(outcome)
    }
    request.on('error', (error) => finish({ good: false, reason: describeError(error) }))
    request.on('response', (response) => readAnswer(response, finish))
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      finish({ good: false, reason: 'answered 101' })
    })
    return () => {
      isOver = true
      request.destroy()
    }
  }
}

function readAnswer (response: http.IncomingMessage, finish: (outcome: ProbeOutcome) => void): void {
  const verdict = { good: response.statusCode === 200, reason: `answered ${response.statusCode}` }
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > BODY_LIMIT_BYTES) finish(verdict)
  })
  response.on('end', () => finish(verdict))
  response.on('error', (error) => finish({ good: false, reason: `broke off its answer: ${describeError(error)}` }))
}
