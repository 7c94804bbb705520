/** What the scripts of this folder are told, as flags. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Protocol } from '../../types.ts'

export interface ScriptOptions {
  readonly port: number
  /** `host:port`. */
  readonly backends: readonly string[]
  readonly protocol: Protocol
  readonly certFile: string
  readonly keyFile: string
}

export interface Script {
  readonly port: number
  readonly protocol: string
  /** Where to listen. */
  readonly host: string
  /** Origins of the backends by turns, `http://host:port`. */
  readonly nextOrigin: () => string
  /** PEM. */
  readonly tls: { readonly cert: Buffer, readonly key: Buffer }
}

/** The flags that `readOptions` reads. */
export function flagsOf ({ port, backends, protocol, certFile, keyFile }: ScriptOptions): string[] {
  return ['--port', String(port), '--backends', backends.join(','), '--protocol', protocol, '--cert', certFile, '--key', keyFile]
}

export function readOptions (): Script {
  const flag = { type: 'string', default: '' } as const
  const { values } = parseArgs({ options: { port: flag, backends: flag, protocol: flag, cert: flag, key: flag } })
  const origins = values.backends.split(',').map((backend) => `http://${backend}`)
  let next = 0
  return {
    port: Number(values.port),
    protocol: values.protocol,
    host: '127.0.0.1',
    nextOrigin: () => origins[next++ % origins.length] ?? '',
    tls: { cert: readFileSync(values.cert), key: readFileSync(values.key) }
  }
}
