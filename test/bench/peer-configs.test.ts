import t from 'tap'
import { caddyConfig } from '../../bench/peers/caddy.ts'
import { haproxyConfig } from '../../bench/peers/haproxy.ts'
import { nginxConfig } from '../../bench/peers/nginx.ts'
import { flagsOf } from '../../bench/peers/node/script-options.ts'
import type { Protocol, Setup } from '../../bench/types.ts'

const FILES = { certFile: '/c.pem', keyFile: '/k.pem', bothFile: '/b.pem' }

function setup (protocol: Protocol, count = 3): Setup {
  return { protocol, backends: Array.from({ length: count }, (_, index) => `127.1.0.${index}:80`), settings: {} }
}

t.test('nginx keeps 256 connections to its backends, and one to each where there are more', async (t) => {
  t.match(nginxConfig(setup('http'), 8_080, FILES), /^ +keepalive 256;$/m)
  t.match(nginxConfig(setup('http', 1_000), 8_080, FILES), /^ +keepalive 1000;$/m)
})

t.test('HAProxy takes turns in a way that its number of backends allows', async (t) => {
  t.match(haproxyConfig(setup('http', 4_095), 8_080, FILES.bothFile), 'balance roundrobin')
  t.match(haproxyConfig(setup('http', 4_096), 8_080, FILES.bothFile), 'balance static-rr')
})

t.test('TLS is spoken where it is asked for, and HTTP/2 only where that is', async (t) => {
  const configs = (protocol: Protocol): string[] => [
    nginxConfig(setup(protocol), 8_080, FILES), haproxyConfig(setup(protocol), 8_080, FILES.bothFile), caddyConfig(setup(protocol), 8_080, FILES)
  ]
  for (const config of configs('http')) t.notMatch(config, /pem|h2\b|http2;/)
  for (const config of configs('https')) {
    t.match(config, '.pem')
    t.notMatch(config, /h2\b|http2;/)
  }
  for (const config of configs('h2')) t.match(config, /alpn h2|ssl http2;|protocols h1 h2/)
})

t.test('every backend is named', async (t) => {
  const texts = [nginxConfig(setup('http'), 8_080, FILES), haproxyConfig(setup('http'), 8_080, FILES.bothFile), caddyConfig(setup('http'), 8_080, FILES)]
  for (const text of [...texts, flagsOf({ ...setup('http'), port: 8_080, ...FILES }).join(' ')]) {
    for (const backend of setup('http').backends) t.match(text, backend)
  }
})
