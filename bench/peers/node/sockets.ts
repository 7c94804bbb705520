/** A limit: bytes from one socket to another and back, without HTTP and without the machinery of streams between them. */
import { connect, createServer, type Socket } from 'node:net'
import { readOptions } from './script-options.ts'

const { port, host, nextOrigin } = readOptions()

createServer({ noDelay: true }, (client) => {
  const { hostname, port: backendPort } = new URL(nextOrigin())
  const backend = connect({ host: hostname, port: Number(backendPort), noDelay: true })
  join(client, backend)
  join(backend, client)
}).listen(port, host, 4_096)

function join (from: Socket, to: Socket): void {
  from.on('data', (data) => {
    if (!to.write(data)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('close', () => to.destroySoon())
  from.on('error', () => to.destroy())
}
