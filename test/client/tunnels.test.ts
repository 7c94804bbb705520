import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { isUpgrade } from '../../src/client/tunnels.ts'

function request (headers: Readonly<Record<string, string>>, minor = 1): IncomingMessage {
  const raw = new IncomingMessage(new Socket())
  Object.assign(raw, { httpVersionMajor: 1, httpVersionMinor: minor })
  for (const [name, value] of Object.entries(headers)) raw.headers[name] = value
  return raw
}

t.test('a request that asks for a protocol is one for an upgrade', async (t) => {
  for (const upgrade of ['websocket', 'websocket, h2c', 'h2c, websocket']) t.equal(isUpgrade(request({ upgrade })), true, upgrade)
  t.equal(isUpgrade(request({ upgrade: 'websocket', 'content-length': '0' })), true)
})

t.test('one that asks for nothing, or for HTTP/2 alone, is not', async (t) => {
  t.equal(isUpgrade(request({})), false)
  for (const upgrade of ['', ',', 'h2c', 'H2', ',h2c', 'h2c, h2', 'h2c;x', 'h2c/1', '"h2c"']) t.equal(isUpgrade(request({ upgrade })), false, upgrade)
})

t.test('nor is one of HTTP/1.0, or with a body', async (t) => {
  t.equal(isUpgrade(request({ upgrade: 'websocket' }, 0)), false)
  t.equal(isUpgrade(request({ upgrade: 'websocket', 'content-length': '1' })), false)
  t.equal(isUpgrade(request({ upgrade: 'websocket', 'transfer-encoding': 'chunked' })), false)
})
