/** A backend whose faults no nginx can play, a process of its own: SIGUSR2 begins its fault, SIGHUP ends it. Health checks are always answered well. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bodyOf } from '../body.ts'
import { isServerFault } from './server-fault.ts'

const SLOW_MS = 2_000

/** So that what was sent has arrived before the reset does. */
const BEFORE_RESET_MS = 5

const { values: { name, host, port, fault } } = parseArgs({
  options: { name: { type: 'string', default: '' }, host: { type: 'string', default: '' }, port: { type: 'string', default: '' }, fault: { type: 'string', default: 'none' } }
})
if (!isServerFault(fault)) throw new Error(`there is no fault "${fault}"`)

let isOn = false
let resets = 0
const server = createServer((request, response) => {
  const path = request.url ?? ''
  if (path === '/health') response.end('ok\n')
  else void answer(path, request, response)
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(port), host)

// A server that does not listen, and has no connection left, keeps no process alive; this one has to come back.
setInterval(() => {}, 60_000)

process.on('SIGUSR2', () => {
  isOn = true
  // Closes idle connections too; the others are closed with their answers.
  if (fault === 'refused') server.close()
})
process.on('SIGHUP', () => {
  isOn = false
  if (fault === 'refused') server.listen(Number(port), host)
})

async function answer (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (isOn) {
    if (fault === 'errors') response.statusCode = 500
    if (fault === 'slow') await wait(SLOW_MS)
    if (fault === 'refused') response.setHeader('Connection', 'close')
    if (fault === 'resetting') return await reset(path, request)
  }
  response.end(bodyOf(name, path))
}

/** By turns in the middle of the head, and of the body. */
async function reset (path: string, { socket }: IncomingMessage): Promise<void> {
  const body = bodyOf(name, path)
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`
  const isOfHead = resets++ % 2 === 0
  socket.write(isOfHead ? head.slice(0, head.length / 2) : head + body.slice(0, body.length / 2))
  await wait(BEFORE_RESET_MS)
  socket.resetAndDestroy()
}
