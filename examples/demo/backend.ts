/** A small backend within the demo's process: it says its name, and can be switched off and on. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export class DemoBackend {
  readonly name: string
  #port = 0
  #requests = 0
  readonly #server = createServer((request, response) => {
    if (request.url === '/health') {
      response.end('ok\n')
      return
    }
    response.end(`${this.name} here, for the ${ordinal(++this.#requests)} time\n`)
  })

  constructor (name: string) {
    this.name = name
  }

  get url (): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens: on a free port at first, on that same one afterwards. */
  async switchOn (): Promise<void> {
    if (this.#server.listening) return
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = portOf(this.#server.address())
  }

  /** Goes as a killed process does: its connections break, new ones are refused. */
  async switchOff (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

function portOf (address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The backend does not listen on a port')
  return address.port
}

function ordinal (count: number): string {
  const suffixes = new Map([['one', 'st'], ['two', 'nd'], ['few', 'rd']])
  return `${count}${suffixes.get(new Intl.PluralRules('en', { type: 'ordinal' }).select(count)) ?? 'th'}`
}
