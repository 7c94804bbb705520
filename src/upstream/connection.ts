/** One upstream connection: an undici client that carries one exchange at a time, and what is known of its socket. */
import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import { openSocket, type TlsSessions } from './connector.ts'

/** How long an unused connection is kept, in ms; a shorter hint of the backend (`Keep-Alive: timeout`) goes first. */
const KEEP_ALIVE_MS = 4_000

export interface ConnectionOptions {
  /** The backend's origin. */
  readonly url: string
  readonly connectTimeoutMs: number
  readonly sessions: TlsSessions
  /** Called when its socket has gone; the next exchange would open another. */
  readonly onSocketGone: (connection: UpstreamConnection) => void
}

export class UpstreamConnection {
  /** Links of the free list; they belong to it. */
  above: UpstreamConnection | undefined = undefined
  below: UpstreamConnection | undefined = undefined
  isIdle = false
  /** When the last exchange on it ended, in ms of the monotonic clock. */
  idleSinceMs = 0
  /** Answers that the present socket has carried: above 0, the backend may close it at any moment. */
  answersOnSocket = 0
  /** Whether the present socket ended in an error (a reset), even if nobody was told. */
  socketFailed = false

  readonly #client: Client
  #socket: Socket | undefined

  constructor ({ url, connectTimeoutMs, sessions, onSocketGone }: ConnectionOptions) {
    this.#client = new Client(url, {
      // Our own deadlines rule (src/upstream/timeout-queue.ts).
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
      // One exchange at a time all the same: the free list sees to it. At 1 undici waits a turn of the event loop after each
      // answer, and another one before the next request, where the latter alone tells a socket that the backend has closed.
      pipelining: 2,
      connect: (target, callback) => {
        this.answersOnSocket = 0
        this.socketFailed = false
        this.#socket = openSocket(target, connectTimeoutMs, sessions, callback)
        this.#socket.on('error', () => { this.socketFailed = true })
      }
    })
    this.#client.on('disconnect', () => onSocketGone(this))
  }

  /** Sends a request; the handler is told of everything that follows. */
  dispatch (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler)
  }

  /** Ends it at once, whatever it is doing, a connect under way included. A socket that became a tunnel is left alone. */
  destroy (isTunnel = false): void {
    this.#client.destroy(null, ignore)
    if (!isTunnel) this.#socket?.destroy()
  }
}

function ignore (): void {}
