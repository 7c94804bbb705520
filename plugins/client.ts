/** The client's side: limits and timeouts of its connections, and the first look at each of its requests (`request.head`). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { watchBody } from '../src/client/body-watch.ts'
import { ALLOWED_METHODS, KNOWN_METHODS, type OnRefused, refuseInTurn } from '../src/client/client-errors.ts'
import { http2Stream, writeInformation } from '../src/client/client-response.ts'
import { closeBehind } from '../src/client/closing.ts'
import { FieldKinds } from '../src/client/field-kinds.ts'
import { OpenConnections } from '../src/client/open-connections.ts'
import { hideForwarding, type Peer, type Peers } from '../src/client/peers.ts'
import { type HeadRules, RequestHead } from '../src/client/request-head.ts'
import { parseTrust } from '../src/client/trust.ts'
import { isUpgrade } from '../src/client/tunnels.ts'
import { MethodNotAllowedError } from '../src/errors.ts'
import { TimeoutQueue } from '../src/timing/timeout-queue.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Who is at the other end of the clients' connections. */
    readonly peers: Peers
  }
  interface FastifyRequest {
    /** The head of the request, read strictly. */
    head: RequestHead
    /** Who is at the other end of its connection. */
    peer: Peer
  }
  interface FastifyContextConfig {
    /** Set for the catch-all route. */
    isProxied?: boolean
  }
}

export interface ClientOptions {
  readonly peers: Peers
  /** Told of connections that are refused. */
  readonly onRefused: OnRefused
}

async function client (fastify: FastifyInstance, { peers, onRefused }: ClientOptions): Promise<void> {
  const { config, server } = fastify
  const { trust } = parseTrust(config.TRUST_PROXY)
  peers.trust = config.PROXY_PROTOCOL === 'on' ? trust.behindFirstHop() : trust
  fastify.decorate('peers', peers)
  fastify.decorateRequest('head')
  fastify.decorateRequest('peer')

  server.headersTimeout = config.CLIENT_HEADERS_TIMEOUT_MS
  server.keepAliveTimeout = config.CLIENT_KEEP_ALIVE_TIMEOUT_MS
  // A client may end its side and still read its answer.
  // What the parser takes at most; target and fields have limits of their own, each with its status.
  Object.assign(server, { httpAllowHalfOpen: true, maxHeaderSize: config.MAX_TARGET_BYTES + config.MAX_HEADER_BYTES })
  // Node would drop the fields above its limit in silence; they are counted in the head, and refused.
  server.maxHeadersCount = 0

  const rules: HeadRules = {
    maxTargetBytes: config.MAX_TARGET_BYTES,
    maxFields: config.MAX_HEADERS,
    maxFieldBytes: config.MAX_HEADER_BYTES,
    maxBodyBytes: config.MAX_BODY_BYTES,
    pathPolicy: config.PATH_POLICY,
    methods: KNOWN_METHODS,
    kinds: new FieldKinds(config.UNDERSCORE_HEADERS)
  }
  const maxRequests = config.MAX_REQUESTS_PER_CONNECTION
  const connections = new OpenConnections()
  fastify.addHook('preClose', async () => connections.announceClose())
  serveAll(fastify, onRefused)
  // The first hook of all: nothing else gets to see a request that is not beyond doubt.
  fastify.addHook('onRequest', (request, reply, done) => {
    const peer = peers.of(request.raw)
    request.peer = peer
    // Fastify, which believes addresses, must not tell hooks of another client than the one that the connection is from.
    if (peer.isDistrusted) hideForwarding(request.raw.headers)
    if (++peer.requests === 1 && http2Stream(reply.raw) === undefined) connections.add(request.raw.socket)
    if (peer.requests === maxRequests) closeBehind(reply, request.raw.socket)
    try {
      request.head = new RequestHead(request.raw, request.originalUrl, rules)
    } catch (error) {
      // Its body is left unread on the connection, which cannot be used on.
      closeBehind(reply, request.raw.socket)
      if (error instanceof MethodNotAllowedError) reply.header('allow', ALLOWED_METHODS)
      done(error instanceof Error ? error : new Error(String(error)))
      return
    }
    // Node's parser stops at an upgrade, even one that is not carried out, and loses its place: nothing behind it can be served.
    if (request.raw.headers.upgrade !== undefined && !isUpgrade(request.raw)) closeBehind(reply, request.raw.socket)
    done()
  })
}

/** Requests that Node would answer by itself: those with Expect take the way of all others, CONNECT is refused. */
function serveAll (fastify: FastifyInstance, onRefused: OnRefused): void {
  const { server } = fastify
  const serve = (raw: IncomingMessage, response: ServerResponse): void => { server.emit('request', raw, response) }
  server.on('checkContinue', (raw: IncomingMessage, response: ServerResponse) => {
    // Else Node closes every connection whose client was not told to go on, even one that has sent its body long ago.
    Reflect.set(response, '_expect_continue', false)
    serve(raw, response)
  })
  server.on('checkExpectation', serve)
  server.on('connect', (_raw: IncomingMessage, socket: Duplex) => {
    if (socket instanceof Socket) refuseInTurn(new MethodNotAllowedError('CONNECT'), socket, onRefused, `allow: ${ALLOWED_METHODS}\r\n`)
    else socket.destroy()
  })
  // A route of an extension's reads the body as soon as its hooks have run; for a proxied request that is the engine's business.
  const timeouts = new TimeoutQueue(fastify.config.CLIENT_BODY_TIMEOUT_MS)
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    if (request.head.hasBody && request.routeOptions.config.isProxied !== true) {
      if (request.head.expectsContinue) writeInformation(reply.raw, CONTINUE, [])
      watchBody(request.raw, reply, timeouts)
    }
    done(null, payload)
  })
  fastify.addHook('onClose', async () => timeouts.close())
}

const CONTINUE = 100

export default fp(client, { name: 'fastlancer-client', fastify: '5.x', dependencies: ['fastlancer-config'] })
