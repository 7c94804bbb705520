/** What a scripted origin can do with a request: answer it well, badly, partly or not at all. */
import type { Socket } from 'node:net'
import { resetConnection } from '../../src/client/reset.ts'
import type { Behaviour, OriginCall } from './scripted-origin.ts'

export type Ending = 'fin' | 'reset'

export interface AnswerOptions {
  readonly status?: number
  readonly reason?: string
  /** Lines of the head, `name: value`, latin1. */
  readonly fields?: readonly string[]
  readonly body?: string | Buffer
}

/** A whole answer with its length; a status without a body gets none. */
export function answer ({ status = 200, reason = 'Whatever', fields = [], body = '' }: AnswerOptions = {}): Behaviour {
  const length = status === 204 || status === 304 ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  return ({ request, socket }) => {
    const sent = Buffer.from(request.method === 'HEAD' ? '' : body)
    return send(socket, Buffer.concat([head(`${status} ${reason}`, [...fields, ...length]), sent]))
  }
}

/** Reads the whole request before it behaves. */
export function afterBody (behaviour: Behaviour): Behaviour {
  return async (call) => {
    await call.request.body()
    await behaviour(call)
  }
}

/** Waits for `moment`, if the gateway does not leave before, and then behaves. */
export function after (moment: Promise<unknown>, behaviour: Behaviour): Behaviour {
  return async (call) => {
    await Promise.race([moment, call.reader.ended])
    if (call.reader.ending === undefined) await behaviour(call)
  }
}

/** Does nothing until the gateway leaves. */
export const never: Behaviour = async ({ reader, socket }) => {
  await reader.ended
  socket.destroy()
}

/** Sends these bytes, whatever they are, and goes on to the next request. */
export function sendBytes (bytes: string): Behaviour {
  return ({ socket }) => send(socket, Buffer.from(bytes, 'latin1'))
}

/** Sends these bytes and ends the connection; `moment` comes between the two. */
export function sendAndEnd (bytes: string, ending: Ending, moment?: Promise<unknown>): Behaviour {
  return async (call) => {
    await send(call.socket, Buffer.from(bytes, 'latin1'))
    await moment
    end(call, ending)
  }
}

/** Ends the connection without a byte of an answer. */
export function endInstead (ending: Ending): Behaviour {
  return (call) => end(call, ending)
}

/** Answers as if the connection stayed open, and closes it. */
export function answerAndClose (options: AnswerOptions = {}): Behaviour {
  return async (call) => {
    // In one go with the answer's last byte, so that both have arrived before the gateway can use the connection again.
    call.socket.cork()
    const sent = answer(options)(call)
    call.socket.end()
    call.socket.uncork()
    await sent
  }
}

/** An answer whose length only the end of the connection tells. */
export function closeDelimited (body: string, ending: Ending, moment?: Promise<unknown>): Behaviour {
  return sendAndEnd(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n${body}`, ending, moment)
}

/** Announces `announced` bytes, sends `body`, and ends the connection. */
export function cutBody (body: string, announced: number, ending: Ending = 'fin', moment?: Promise<unknown>): Behaviour {
  return sendAndEnd(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${announced}\r\n\r\n${body}`, ending, moment)
}

/** Sends `body` as one chunk and ends the connection before the last one. */
export function cutChunked (body: string, ending: Ending = 'fin', moment?: Promise<unknown>): Behaviour {
  return sendAndEnd(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n${chunk(body)}`, ending, moment)
}

/** A chunked answer whose parts go out as `parts` yields them, until the gateway leaves. */
export function answerInParts (parts: AsyncIterable<string>, fields: readonly string[] = []): Behaviour {
  return async ({ socket }) => {
    await send(socket, head('200 OK', [...fields, 'transfer-encoding: chunked']))
    for await (const part of parts) {
      if (!socket.writable) return
      await send(socket, Buffer.from(chunk(part), 'latin1'))
    }
    await send(socket, Buffer.from('0\r\n\r\n'))
  }
}

/** Switches protocols; `first` goes out behind the head, and every byte that comes is sent back. */
export function upgradeToEcho (fields: readonly string[] = ['upgrade: echo', 'connection: Upgrade'], first = ''): Behaviour {
  return async ({ socket, reader }) => {
    await send(socket, Buffer.concat([head('101 Switching Protocols', fields), Buffer.from(first, 'latin1')]))
    socket.write(reader.unread)
    socket.pipe(socket)
    await reader.ended
  }
}

export function head (status: string, fields: readonly string[]): Buffer {
  return Buffer.from([`HTTP/1.1 ${status}`, ...fields, '', ''].join('\r\n'), 'latin1')
}

export function chunk (text: string): string {
  return `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`
}

/** Settles when the bytes have left, or cannot leave any more. */
export async function send (socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => { socket.write(bytes, () => resolve()) })
}

function end ({ socket }: OriginCall, ending: Ending): void {
  if (ending === 'reset') resetConnection(socket)
  else socket.end()
}
