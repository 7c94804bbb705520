/** Feeds a response parser and remembers what it told, in a form that can be compared. */
import { MessageFault } from '../../src/wire/message-fault.ts'
import type { ResponseHead } from '../../src/wire/response-head.ts'
import { ResponseParser, type ResponseSink } from '../../src/wire/response-parser.ts'

export interface Recorded {
  /** `fault`: it was refused. `more`: its end has not come. */
  readonly state: 'whole' | 'more' | 'fault'
  /** The provisional answers. */
  readonly provisional: readonly ResponseHead[]
  readonly head: ResponseHead | undefined
  /** As latin1. */
  readonly body: string
  readonly trailers: readonly string[]
  /** Bytes that belong to the response; -1 if it was refused. */
  readonly taken: number
}

export interface RecordOptions {
  /** What was asked. Default: GET. */
  readonly method?: string
  /** Whether the connection ends after the last part. Default: false. */
  readonly ends?: boolean
}

class Recorder implements ResponseSink {
  readonly provisional: ResponseHead[] = []
  head: ResponseHead | undefined = undefined
  body = ''

  onInformation (head: ResponseHead): void {
    this.provisional.push(head)
  }

  onHead (head: ResponseHead): void {
    this.head = head
  }

  onBody (data: Buffer): void {
    this.body += data.toString('latin1')
  }
}

/** Reads one response from these reads of a socket; what comes after it is not looked at. */
export function record (parts: readonly Buffer[], { method = 'GET', ends = false }: RecordOptions = {}): Recorded {
  const recorder = new Recorder()
  const parser = new ResponseParser(recorder)
  parser.begin({ method })
  let taken = 0
  try {
    for (const part of parts) {
      if (parser.isDone) break
      taken += parser.execute(part)
    }
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    return { state: 'fault', provisional: recorder.provisional, head: recorder.head, body: recorder.body, trailers: [], taken: -1 }
  }
  const isWhole = ends ? parser.finish() : parser.isDone
  const { provisional, head, body } = recorder
  return { state: isWhole ? 'whole' : 'more', provisional, head, body, trailers: parser.trailers, taken }
}
