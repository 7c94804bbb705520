/** A backend that speaks gRPC, with methods of every kind; messages are bytes. */
import * as grpc from '@grpc/grpc-js'

export const ECHO = '/test.Echo'

const HEALTH_CHECK = '/grpc.health.v1.Health/Check'

/** ServingStatus of the health protocol. */
export const Serving = { unknown: 0, serving: 1, notServing: 2 } as const

type UnaryHandler = grpc.handleUnaryCall<Buffer, Buffer>
type BidiHandler = grpc.handleBidiStreamingCall<Buffer, Buffer>

export interface GrpcOptions {
  /** Certificate and key in PEM; with them the origin speaks TLS. */
  readonly secure?: { readonly cert: string, readonly key: string }
  /** With a health service that answers this; without, there is none. */
  readonly health?: () => number
  /** In place of an echo. */
  readonly unary?: UnaryHandler
  /** In place of an echo message by message. */
  readonly bidi?: BidiHandler
}

export function same (message: Buffer): Buffer {
  return message
}

export class GrpcOrigin {
  readonly name: string
  readonly port: number
  readonly url: string
  /** The metadata of each unary call. */
  readonly calls: grpc.Metadata[] = []
  /** How many health checks came. */
  checks = 0
  readonly #server: grpc.Server

  private constructor (name: string, server: grpc.Server, port: number, scheme: string) {
    this.name = name
    this.#server = server
    this.port = port
    this.url = `${scheme}://127.0.0.1:${port}`
  }

  static async start (name: string, { secure, health, unary, bidi }: GrpcOptions = {}): Promise<GrpcOrigin> {
    const server = new grpc.Server()
    const credentials = secure === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(secure.cert), private_key: Buffer.from(secure.key) }])
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => { if (error === null) resolve(bound); else reject(error) })
    })
    const origin = new GrpcOrigin(name, server, port, secure === undefined ? 'h2c' : 'h2')
    server.addService(ECHO_SERVICE, {
      unary: origin.#noting(unary ?? echoWith(name)),
      serverStream: streamDigits,
      clientStream: concatenate,
      bidi: bidi ?? echoEach
    })
    if (health !== undefined) {
      server.addService(HEALTH_SERVICE, {
        check: (_call: unknown, done: grpc.sendUnaryData<Buffer>) => {
          origin.checks++
          done(null, health() === Serving.unknown ? Buffer.alloc(0) : Buffer.from([0x08, health()]))
        }
      })
    }
    return origin
  }

  /** Breaks everything off, and refuses from now on. */
  stop (): void {
    this.#server.forceShutdown()
  }

  #noting (handler: UnaryHandler): UnaryHandler {
    return (call, done) => {
      this.calls.push(call.metadata)
      handler(call, done)
    }
  }
}

function method (path: string, requestStream: boolean, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return { path, requestStream, responseStream, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
}

const ECHO_SERVICE = {
  unary: method(`${ECHO}/Unary`, false, false),
  serverStream: method(`${ECHO}/ServerStream`, false, true),
  clientStream: method(`${ECHO}/ClientStream`, true, false),
  bidi: method(`${ECHO}/Bidi`, true, true)
}

const HEALTH_SERVICE = { check: method(HEALTH_CHECK, false, false) }

/** Sends message and metadata back, and its name behind them. */
function echoWith (name: string): UnaryHandler {
  return (call, done) => {
    const leading = new grpc.Metadata()
    for (const key of ['x-echo', 'x-echo-bin']) for (const value of call.metadata.get(key)) leading.add(key, value)
    call.sendMetadata(leading)
    const trailing = new grpc.Metadata()
    trailing.set('x-served-by', name)
    trailing.set('x-trailing-bin', Buffer.from([0, 255, 128]))
    done(null, call.request, trailing)
  }
}

/** As many messages as the request says. */
function streamDigits (call: grpc.ServerWritableStream<Buffer, Buffer>): void {
  for (let i = 0; i < Number(call.request.toString()); i++) call.write(Buffer.from(`${i}`))
  call.end()
}

function concatenate (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>): void {
  const parts: Buffer[] = []
  call.on('data', (part: Buffer) => { parts.push(part) })
  call.on('end', () => done(null, Buffer.concat(parts)))
}

function echoEach (call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
  call.on('data', (part: Buffer) => { call.write(part) })
  call.on('end', () => call.end())
}
