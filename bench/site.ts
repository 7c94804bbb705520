/** What all measurements of a run share: a folder to throw away, the programs built there, a certificate, ports. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeCharge } from './processes.ts'

/** The checkout that this file belongs to. */
export const ROOT = join(import.meta.dirname, '..')

const CERTIFICATE_NAME = 'localhost'

/** Below those that systems take for the near end of connections (Linux: from 32768 on). */
const FIRST_PORT = 14_000
const PORTS = 16_000

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  /** Both in one, as HAProxy wants them. */
  readonly bothFile: string
}

export class Site {
  readonly folder: string
  #count = 0
  /** Runs side by side begin at different places. */
  #ports = Math.floor(Math.random() * PORTS)
  #certificate: Certificate | undefined
  readonly #programs = new Map<string, string>()

  constructor () {
    this.folder = mkdtempSync(join(tmpdir(), 'fastlancer-bench-'))
    // nginx's worker may be another user.
    chmodSync(this.folder, 0o755)
    // Those that were just killed may still be writing: hence the retries.
    takeCharge(() => rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  }

  /** A folder of its own for one process. */
  newFolder (name: string): string {
    const folder = join(this.folder, `${String(++this.#count).padStart(3, '0')}-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`)
    mkdirSync(folder)
    return folder
  }

  /** A port that is free on every address, and that no connection of ours can get meanwhile. */
  async newPort (): Promise<number> {
    for (let tries = 0; tries < PORTS; tries++) {
      const port = FIRST_PORT + this.#ports++ % PORTS
      if (await isFree(port)) return port
    }
    throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free`)
  }

  /** `host:port`, as many as asked for. */
  async newAddresses (count: number): Promise<string[]> {
    const ports = await Promise.all(Array.from({ length: count }, () => this.newPort()))
    return ports.map((port) => `127.0.0.1:${port}`)
  }

  /** The program of Go in the folder `source` of bench/, built once. */
  program (source: string): string {
    const known = this.#programs.get(source)
    if (known !== undefined) return known
    const file = join(this.folder, source.replaceAll('/', '-'))
    execFileSync('go', ['build', '-o', file, '.'], { cwd: join(ROOT, 'bench', source), stdio: ['ignore', 'ignore', 'inherit'] })
    this.#programs.set(source, file)
    return file
  }

  /** A certificate for localhost that nobody vouches for, made once. */
  certificate (): Certificate {
    this.#certificate ??= makeCertificate(this.folder)
    return this.#certificate
  }
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer().listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

function makeCertificate (folder: string): Certificate {
  const openssl = (...args: readonly string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const key = openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout')
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), bothFile: join(folder, 'both.pem') }
  writeFileSync(files.keyFile, key)
  const names = `subjectAltName=DNS:${CERTIFICATE_NAME},IP:127.0.0.1`
  const cert = openssl('req', '-x509', '-key', files.keyFile, '-days', '2', '-subj', `/CN=${CERTIFICATE_NAME}`, '-addext', names)
  writeFileSync(files.certFile, cert)
  writeFileSync(files.bothFile, cert + key)
  return files
}
