/**
 * The load, a process of its own: connections that each send a GET, wait for its answer, pause and send the next one, until a moment of the
 * clock of chaos/times.ts. Prints a line for each request (sample.ts).
 */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/testing/random.ts'
import { backendOf } from '../body.ts'
import { monotonicMs } from '../times.ts'
import { type Sample, writeSample } from './sample.ts'

type Answer = Pick<Sample, 'backend' | 'fault'>

const CONNECTIONS = 64

/** Different ones, so that policies that go by the path spread them. */
const PATHS = 1_000

/** Between an answer and the next request, on average: about 3,000 requests/s while all is well, which no gateway here finds hard. */
const PAUSE_MS = 20

/** What is in flight at the end gets so long to be answered. */
const GRACE_MS = 1_000

const { values } = parseArgs({ options: { address: { type: 'string', default: '' }, stop: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } } })
const origin = `http://${values.address}`
const stopMs = Number(values.stop)
const random = seededRandom(Number(values.seed))
const samples: Sample[] = []
/** When the request in flight was sent, by connection. */
const open = new Map<number, number>()
const agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }))

await Promise.race([Promise.all(agents.map(askOnAndOn)), wait(stopMs + GRACE_MS - monotonicMs(), undefined, { ref: false })])
const lines = [...samples, ...unanswered(monotonicMs())].map(writeSample)
process.stdout.write(lines.join(''))
for (const agent of agents) agent.destroy()

async function askOnAndOn (agent: Agent, connection: number): Promise<void> {
  // Not all at once at the beginning either.
  await wait(random() * PAUSE_MS)
  while (monotonicMs() < stopMs) {
    const path = `/items/${Math.floor(random() * PATHS)}`
    const begunMs = monotonicMs()
    open.set(connection, begunMs)
    const answer = await ask(agent, path)
    open.delete(connection)
    samples.push({ begunMs, tookMs: monotonicMs() - begunMs, ...answer })
    await wait(random() * 2 * PAUSE_MS)
  }
}

async function ask (agent: Agent, path: string): Promise<Answer> {
  return await new Promise((resolve) => {
    const sent = request(`${origin}${path}`, { agent }, (response) => {
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (data: string) => { body += data })
      response.on('error', () => resolve({ backend: '', fault: 'cut' }))
      response.on('end', () => resolve(judge(response.statusCode ?? 0, body, path)))
    })
    sent.on('error', (error) => resolve({ backend: '', fault: 'code' in error ? String(error.code) : 'broken' }))
    sent.end()
  })
}

function judge (status: number, body: string, path: string): Answer {
  if (status !== 200) return { backend: '', fault: String(status) }
  const backend = backendOf(body, path)
  return backend === undefined ? { backend: '', fault: 'wrong-body' } : { backend, fault: '' }
}

function unanswered (nowMs: number): Sample[] {
  return [...open.values()].map((begunMs) => ({ begunMs, tookMs: nowMs - begunMs, backend: '', fault: 'unanswered' }))
}
