/** Takes HTTP/1 messages apart as they stand on the wire, without making them any better. */
import type { ByteReader } from './byte-reader.ts'

/** The head of a request or an answer; text is latin1, so that each character is a byte. */
export interface MessageHead {
  /** Everything up to and including the empty line. */
  readonly raw: string
  readonly startLine: string
  /** Fields in order, names as sent. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export async function readHead (reader: ByteReader): Promise<MessageHead> {
  const raw = (await reader.upTo('\r\n\r\n')).toString('latin1')
  const [startLine = '', ...lines] = raw.slice(0, -4).split('\r\n')
  const fields = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
  })
  return { raw, startLine, fields }
}

/** Every value of a field, in order. */
export function fieldValues (head: MessageHead, name: string): string[] {
  return head.fields.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

export function hasField (head: MessageHead, name: string): boolean {
  return fieldValues(head, name).length > 0
}

/** The body that the head announces. Without length or chunks: none for a request, all until the end for an answer. */
export async function readBody (reader: ByteReader, head: MessageHead, isAnswer: boolean): Promise<Buffer> {
  if (fieldValues(head, 'transfer-encoding').join().toLowerCase().endsWith('chunked')) return Buffer.concat(await readChunks(reader))
  const length = fieldValues(head, 'content-length')[0]
  if (length !== undefined) return await reader.exactly(Number(length))
  return isAnswer ? await reader.rest() : Buffer.alloc(0)
}

/** The chunks of a chunked body, up to and including the end of its trailers. */
async function readChunks (reader: ByteReader): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for (;;) {
    const size = Number.parseInt((await reader.upTo('\r\n')).toString('latin1'), 16)
    if (size === 0) break
    chunks.push(await reader.exactly(size))
    await reader.exactly(2)
  }
  while ((await reader.upTo('\r\n')).length > 2);
  return chunks
}
