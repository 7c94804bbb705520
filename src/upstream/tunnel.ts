/** A tunnel: after the backend's 101 every byte of either side goes to the other, as it is. */
import type { Duplex } from 'node:stream'
import type { ResponseHead } from './attempt.ts'
import type { ClientReply } from './client-side.ts'
import { responseFieldsToDrop } from './headers.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** Idle time after which the kernel asks whether the client is still there, in ms. */
const TCP_KEEPALIVE_MS = 60_000

/** What went through, in bytes. */
export interface TunnelTraffic {
  readonly fromClient: number
  readonly toClient: number
}

/** Answers 101 and joins the two sides; `onClosed` is called once, when both are closed. */
export function openTunnel (reply: ClientReply, upgrade: UpgradeRequest, head: ResponseHead, upstream: Duplex, onClosed: (traffic: TunnelTraffic) => void): void {
  const client = upgrade.socket
  const early = upgrade.takeOver()
  const readBefore = client.bytesRead - early.length
  let open = 2

  reply.raw.detachSocket(client)
  reply.raw.statusCode = head.statusCode
  client.setKeepAlive(true, TCP_KEEPALIVE_MS)
  client.setNoDelay(true)
  client.write(switchingProtocols(reply, head), 'latin1')
  const writtenBefore = client.bytesWritten
  if (early.length > 0) upstream.write(early)

  const onSideClosed = (): void => {
    if (--open > 0) return
    onClosed({ fromClient: client.bytesRead - readBefore, toClient: client.bytesWritten - writtenBefore })
  }
  join(client, upstream, onSideClosed)
  join(upstream, client, onSideClosed)
}

/** One direction. A side that ends is ended on the other one too; a side that breaks breaks the other. */
function join (from: Duplex, to: Duplex, onClosed: () => void): void {
  from.pipe(to)
  from.on('error', () => to.destroy())
  from.once('close', () => {
    if (!from.readableEnded) to.destroy()
    onClosed()
  })
}

function switchingProtocols (reply: ClientReply, { statusCode, headers }: ResponseHead): string {
  const lines = [`HTTP/1.1 ${statusCode} Switching Protocols`, 'connection: upgrade']
  if (headers.upgrade !== undefined) lines.push(`upgrade: ${headers.upgrade}`)
  const dropped = responseFieldsToDrop(headers.connection)
  for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...headers })) {
    if (value === undefined || dropped.has(name)) continue
    for (const single of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${String(single)}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
