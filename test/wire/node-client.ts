/** Reads a response with the client of node:http, to compare what it makes of the bytes with what ours does. */
import { type IncomingMessage, request } from 'node:http'
import { Duplex } from 'node:stream'

/** A response as Node told it. */
export interface NodeResponse {
  /** Status codes of the provisional answers. */
  readonly provisional: readonly number[]
  readonly statusCode: number
  readonly statusText: string
  /** Name, value, name, value; as they came. */
  readonly fields: readonly string[]
  /** As latin1. */
  readonly body: string
  readonly trailers: readonly string[]
}

/** What Node makes of `bytes`, after which the connection ends: a whole response, or the reason why it is none. */
export async function readByNode (bytes: Buffer, method: string): Promise<NodeResponse | string> {
  const connection = new Duplex({
    read () {},
    write (_chunk, _encoding, callback) { callback() }
  })
  return await new Promise((resolve) => {
    const provisional: number[] = []
    let hasHead = false
    const sent = request({ method, createConnection: () => connection, maxHeaderSize: 64 * 1024, headers: { upgrade: 'x', connection: 'upgrade' } })
    sent.on('information', ({ statusCode }) => { provisional.push(statusCode) })
    sent.on('error', (error) => resolve(error.message))
    connection.on('close', () => { if (!hasHead) resolve('ended without a head') })
    sent.on('upgrade', (response) => resolve(told(response, '', provisional)))
    sent.on('response', (response) => {
      hasHead = true
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (text: string) => { body += text })
      response.on('error', (error) => resolve(`cut: ${error.message}`))
      response.on('end', () => resolve(response.complete ? told(response, body, provisional) : 'cut'))
    })
    sent.end()
    connection.push(bytes)
    connection.push(null)
  })
}

function told (response: IncomingMessage, body: string, provisional: readonly number[]): NodeResponse {
  const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers } = response
  return { provisional, statusCode, statusText: statusMessage, fields: rawHeaders, body, trailers: rawTrailers }
}
