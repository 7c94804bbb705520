/**
 * `npm run bench`: Fastlancer against @fastify/http-proxy as it comes and nginx, side by side in one run. All are up at once;
 * slices of load go to each in turn; the gateways share one processor, the load and the backends have the other. What counts
 * is the ratio pair by pair: an absolute figure of a shared machine means nothing the next minute.
 *
 *   npm run bench -- [rounds] [seconds a slice] [connections]
 *
 * Needs nginx, wrk and taskset; two processors.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { backendBlock, proxyBlock, startNginx } from './nginx.ts'

const GATEWAY_CPU = 0
const LOAD_CPU = 1
const BACKEND_PORTS = [19_101, 19_102, 19_103]
const BACKEND_URLS = BACKEND_PORTS.map((port) => `http://127.0.0.1:${port}`).join(',')
const [rounds = 10, seconds = 1, connections = 64] = process.argv.slice(2).map(Number)

interface Peer {
  readonly name: string
  readonly port: number
  readonly pids: () => readonly number[]
}

interface Slice {
  readonly requestsPerSecond: number
  readonly cpuMicrosPerRequest: number
}

const children: ChildProcess[] = []
const backends = startNginx(backendBlock(BACKEND_PORTS), LOAD_CPU)
const nginx = startNginx(proxyBlock(19_001, BACKEND_PORTS), GATEWAY_CPU)

try {
  const peers: Peer[] = [
    { name: 'nginx', port: 19_001, pids: () => nginx.pids() },
    nodePeer('@fastify/http-proxy', 19_002, ['bench/peers/http-proxy.ts', BACKEND_URLS, '19002'], {}),
    nodePeer('fastlancer', 19_003, ['src/server.ts'], {
      BACKENDS: BACKEND_URLS, HOST: '127.0.0.1', PORT: '19003', ADMIN_PORT: 'off', ACCESS_LOG: 'off', NODE_ENV: 'production'
    })
  ]
  await wait(2_000)
  for (const peer of peers) slice(peer)
  const results = new Map<string, Slice[]>(peers.map((peer) => [peer.name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) results.get(peer.name)?.push(slice(peer))
  }
  report(peers, results)
} finally {
  for (const child of children) child.kill()
  nginx.stop()
  backends.stop()
}

function nodePeer (name: string, port: number, args: string[], env: Record<string, string>): Peer {
  const child = spawn('taskset', ['-c', String(GATEWAY_CPU), process.execPath, '--expose-gc', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env }
  })
  children.push(child)
  return { name, port, pids: () => child.pid === undefined ? [] : [child.pid] }
}

/** One slice of load: requests a second as wrk counts them, processor time a request as the kernel does. */
function slice (peer: Peer): Slice {
  const before = cpuNanos(peer)
  const output = execFileSync('taskset', ['-c', String(LOAD_CPU), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, `http://127.0.0.1:${peer.port}/`], { encoding: 'utf8' })
  const requests = Number(/(\d+) requests in/.exec(output)?.[1])
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`${peer.name} failed under load:\n${output}`)
  return {
    requestsPerSecond: Number(/Requests\/sec:\s*([\d.]+)/.exec(output)?.[1]),
    cpuMicrosPerRequest: (cpuNanos(peer) - before) / requests / 1_000
  }
}

function cpuNanos (peer: Peer): number {
  let sum = 0
  for (const pid of peer.pids()) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
    }
  }
  return sum
}

function report (peers: readonly Peer[], results: ReadonlyMap<string, readonly Slice[]>): void {
  const ours = results.get('fastlancer') ?? []
  console.log(`${rounds} rounds of ${seconds} s, ${connections} connections, small GET; median (min to max)\n`)
  console.log('| gateway | requests/s | CPU us/request | fastlancer against it, requests/s | fastlancer against it, CPU |')
  console.log('|---|---|---|---|---|')
  for (const { name } of peers) {
    const theirs = results.get(name) ?? []
    const rate = ours.map((one, round) => one.requestsPerSecond / (theirs[round]?.requestsPerSecond ?? NaN))
    const cpu = ours.map((one, round) => one.cpuMicrosPerRequest / (theirs[round]?.cpuMicrosPerRequest ?? NaN))
    console.log(`| ${name} | ${spread(theirs.map((one) => one.requestsPerSecond), 0)} | ${spread(theirs.map((one) => one.cpuMicrosPerRequest), 1)} | ${spread(rate, 2)} | ${spread(cpu, 2)} |`)
  }
}

function spread (values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN
  return `${median.toFixed(digits)} (${sorted[0]?.toFixed(digits)} to ${sorted.at(-1)?.toFixed(digits)})`
}
