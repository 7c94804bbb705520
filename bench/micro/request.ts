/** A request's head: read from the client, put together for a backend, written. Twelve fields, as a browser sends them. */
import { IncomingMessage, METHODS } from 'node:http'
import { Socket } from 'node:net'
import { FieldKinds } from '../../src/client/field-kinds.ts'
import { Peer } from '../../src/client/peers.ts'
import { type HeadRules, RequestHead } from '../../src/client/request-head.ts'
import { parseTrust } from '../../src/client/trust.ts'
import { OWN_REQUEST, type UpstreamRequest } from '../../src/upstream/carrier.ts'
import { requestFields } from '../../src/upstream/headers.ts'
import { requestHead } from '../../src/upstream/http1-request.ts'
import type { Subject } from './harness.ts'

const TARGET = '/shop/items?page=2'
const ID = 'req-1a2b3c'

const RULES: HeadRules = {
  maxTargetBytes: 8_192,
  maxFields: 100,
  maxFieldBytes: 16_384,
  maxBodyBytes: 0,
  pathPolicy: 'strict',
  methods: new Set(METHODS),
  kinds: new FieldKinds('drop')
}

const RAW_HEADERS = [
  'Host', 'shop.example', 'Connection', 'keep-alive', 'User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)',
  'Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'Accept-Language', 'en,de;q=0.7', 'Accept-Encoding', 'gzip, deflate, br',
  'Referer', 'https://shop.example/', 'Cookie', 'session=0123456789abcdef; theme=dark', 'Upgrade-Insecure-Requests', '1',
  'Sec-Fetch-Dest', 'document', 'Sec-Fetch-Mode', 'navigate', 'Cache-Control', 'max-age=0'
]

const raw = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders: RAW_HEADERS })
const head = new RequestHead(raw, TARGET, RULES)
const peer = peerAt('192.0.2.1')
const request: UpstreamRequest = {
  ...OWN_REQUEST, method: 'GET', target: head.target, host: head.host, ...requestFields(head, peer, ID)
}

export const requestHeads: readonly Subject[] = [
  { name: 'new RequestHead, 12 fields', run: () => new RequestHead(raw, TARGET, RULES) },
  { name: 'requestFields, 12 fields', run: () => requestFields(head, peer, ID) },
  { name: 'requestHead, 19 fields', run: () => requestHead(request, '10.0.0.1:80') }
]

function peerAt (address: string): Peer {
  const socket = new Socket()
  Object.defineProperties(socket, { remoteAddress: { value: address }, localPort: { value: 8_080 } })
  return new Peer(socket, parseTrust('').trust)
}
