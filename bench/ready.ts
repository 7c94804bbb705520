/** Waits until a server answers with 200: a process that is up need not be ready. */
import { connect as connectHttp2 } from 'node:http2'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import type { Process } from './processes.ts'
import type { Protocol } from './types.ts'

const PATIENCE_MS = 90_000
const ATTEMPT_TIMEOUT_MS = 30_000
const BETWEEN_MS = 20

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Resolves when `GET /` is answered with 200; rejects when the process has ended or patience has. */
export async function untilAnswers (origin: string, process: Process, protocol: Protocol = 'http'): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  let last = ''
  while (performance.now() < deadline) {
    if (process.hasEnded) throw new Error(`ended at its start: ${process.lastWords()}`)
    try {
      const { status } = await ask(origin, { protocol })
      if (status === 200) return
      last = `status ${status}`
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await wait(BETWEEN_MS)
  }
  throw new Error(`did not get ready within ${PATIENCE_MS / 1_000} s (${last}): ${process.lastWords()}`)
}

export interface AskOptions {
  readonly protocol?: Protocol
  readonly path?: string
  /** Sent with POST; default: GET. */
  readonly body?: string
}

/** One request on a connection of its own. Certificates are not looked at: they are ours. */
export async function ask (origin: string, { protocol = 'http', path = '/', body }: AskOptions = {}): Promise<Answer> {
  if (protocol === 'h2') return await askHttp2(origin, path)
  return await new Promise((resolve, reject) => {
    const request = protocol === 'https' ? requestHttps : requestHttp
    const sent = request(`${origin}${path}`, {
      method: body === undefined ? 'GET' : 'POST', agent: false, rejectUnauthorized: false, timeout: ATTEMPT_TIMEOUT_MS
    }, (response) => {
      let text = ''
      response.setEncoding('latin1')
      response.on('data', (data: string) => { text += data })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.end(body)
  })
}

async function askHttp2 (origin: string, path: string): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const session = connectHttp2(origin, { rejectUnauthorized: false })
    session.on('error', reject)
    const stream = session.request({ ':path': path })
    let status = 0
    let body = ''
    stream.setEncoding('latin1')
    stream.setTimeout(ATTEMPT_TIMEOUT_MS, () => stream.destroy(new Error('no answer in time')))
    stream.on('response', (headers) => { status = headers[':status'] ?? 0 })
    stream.on('data', (data: string) => { body += data })
    stream.on('error', (error) => {
      session.destroy()
      reject(error)
    })
    stream.on('end', () => {
      session.destroy()
      resolve({ status, body })
    })
  })
}
