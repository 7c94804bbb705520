/** A tunnel: after the backend's 101 every byte of either side goes to the other, as it is. */
import type { Duplex } from 'node:stream'
import type { ClientReply } from '../client/client-side.ts'
import { linger } from '../client/linger.ts'
import type { UpgradeRequest } from '../client/upgrade-request.ts'
import { Deadline } from '../timing/deadline.ts'
import type { TimeoutQueue } from '../timing/timeout-queue.ts'
import type { ResponseHead } from '../wire/response-head.ts'

/** Idle time after which the kernel asks whether the client is still there, in ms. */
const TCP_KEEPALIVE_MS = 60_000

/** How long a side may take to read what is left for it when the other one has left, in ms. */
const LAST_READ_MS = 30_000

/** What went through, in bytes. */
export interface TunnelTraffic {
  readonly fromClient: number
  readonly toClient: number
}

export interface TunnelSides {
  readonly reply: ClientReply
  readonly upgrade: UpgradeRequest
  /** The backend's 101. */
  readonly head: ResponseHead
  readonly upstream: Duplex
  /** What the backend sent right behind its 101. */
  readonly early: Buffer
  /** The time that it may be silent in both directions. */
  readonly timeouts: TimeoutQueue
}

/** Answers 101 and joins the two sides; `onClosed` is called once, when both are closed. */
export function openTunnel ({ reply, upgrade, head, upstream, early, timeouts }: TunnelSides, onClosed: (traffic: TunnelTraffic) => void): void {
  const client = upgrade.socket
  const earlyClient = upgrade.takeOver()
  const readBefore = client.bytesRead - earlyClient.length
  let open = 2

  // Until now its end was the end of the connection. A tunnel has two directions, each with an end of its own.
  upstream.allowHalfOpen = true
  reply.raw.detachSocket(client)
  reply.raw.statusCode = head.statusCode
  client.setKeepAlive(true, TCP_KEEPALIVE_MS)
  client.setNoDelay(true)
  client.write(switchingProtocols(reply, head), 'latin1')
  const writtenBefore = client.bytesWritten
  if (earlyClient.length > 0) upstream.write(earlyClient)
  if (early.length > 0) client.write(early)

  const idle = new Deadline(() => {
    client.destroy()
    upstream.destroy()
  })
  const onSideClosed = (): void => {
    if (--open > 0) return
    idle.clear()
    onClosed({ fromClient: client.bytesRead - readBefore, toClient: client.bytesWritten - writtenBefore })
  }
  const onTraffic = (): void => timeouts.start(idle)
  onTraffic()
  join(client, upstream, onTraffic, onSideClosed)
  join(upstream, client, onTraffic, onSideClosed)
}

/** One direction. A side that ends is ended on the other one too; a side that breaks within what it sends breaks the other. */
function join (from: Duplex, to: Duplex, onTraffic: () => void, onClosed: () => void): void {
  from.on('data', onTraffic)
  from.pipe(to)
  // What went wrong is looked at when it has closed.
  from.on('error', ignore)
  from.once('close', () => {
    const isCut = !from.readableEnded
    // All that it sent was passed on, and it takes nothing more: most likely it had not only ended its side, but left.
    const hasLeft = from.errored !== null
    if (isCut || !(hasLeft || from.writableFinished)) to.destroy()
    else if (hasLeft) letGo(to)
    onClosed()
  })
}

/** Closes a side whose other one has left: it gets all that is on its way to it. What it still sends is for nobody. */
function letGo (side: Duplex): void {
  side.removeAllListeners('data').on('data', ignore)
  // It was paused when it lost its reader.
  side.resume()
  const timer = setTimeout(() => side.destroy(), LAST_READ_MS).unref()
  side.once('close', () => clearTimeout(timer))
  side.end(() => linger(side))
}

function ignore (): void {}

function switchingProtocols (reply: ClientReply, { statusCode, upgrade, fields }: ResponseHead): string {
  const lines = [`HTTP/1.1 ${statusCode} Switching Protocols`, 'connection: upgrade']
  if (upgrade !== undefined) lines.push(`upgrade: ${upgrade}`)
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value === undefined) continue
    for (const single of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${String(single)}`)
  }
  for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
