/** The design that Fastlancer began as, in Go: with what the standard library gives, and with its pool tuned. */
import { join } from 'node:path'
import { GATEWAY_CPU, start } from '../processes.ts'
import type { Site } from '../site.ts'
import type { Peer, Running, Setup } from '../types.ts'
import { firstMatch } from './version.ts'

export const goDefault = goPeer('Go ReverseProxy', [], '`httputil.ReverseProxy` with its default transport (two connections kept to a backend)')

export const goTuned = goPeer('Go ReverseProxy, tuned', ['-tuned'], '`httputil.ReverseProxy` with 1,024 connections kept to a backend, a pool of buffers, no compression')

function goPeer (name: string, flags: readonly string[], about: string): Peer {
  return {
    name,
    kind: 'gateway',
    about,
    lacks: { 'many-backends': 'not asked of it' },
    version: () => firstMatch('go', ['version'], /go version go(\S+)/),
    start: async (site, setup) => await startPeer(site, setup, flags)
  }
}

async function startPeer (site: Site, { protocol, backends }: Setup, flags: readonly string[]): Promise<Running> {
  const folder = site.newFolder('go')
  const port = await site.newPort()
  const { certFile, keyFile } = site.certificate()
  const tls = protocol === 'http' ? [] : ['-certificate', certFile, '-key', keyFile]
  const args = ['-listen', `127.0.0.1:${port}`, '-backends', backends.join(','), ...tls, ...flags]
  // HTTP/2 comes by itself where there is TLS.
  const env = protocol === 'https' ? { GODEBUG: 'http2server=0' } : {}
  return { port, process: start(site.program('peers/go'), args, { cpu: GATEWAY_CPU, cwd: folder, env, logFile: join(folder, 'stderr.log') }) }
}
