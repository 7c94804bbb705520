import t from 'tap'
import { checkedCaddy, checkedHaproxy, PEERS } from '../../chaos/gateways/peers.ts'

const SETUP = { protocol: 'http', backends: ['127.0.0.1:1', '127.0.0.1:2'], settings: {} } as const

t.test('HAProxy checks every backend and asks another one where the first refuses', async (t) => {
  const config = checkedHaproxy(SETUP, 80)
  t.match(config, /^ {2}server b0 127\.0\.0\.1:1 check$/m)
  t.match(config, /^ {2}server b1 127\.0\.0\.1:2 check$/m)
  t.match(config, /^backend backends\n(?: {2}.*\n)* {2}option httpchk GET \/health\n {2}option redispatch\n/m)
})

t.test('Caddy checks its backends and tries again', async (t) => {
  t.match(checkedCaddy(SETUP, 80), /reverse_proxy 127\.0\.0\.1:1 127\.0\.0\.1:2 \{\n {4}lb_policy round_robin\n {4}lb_try_duration 5s\n(?: {4}.*\n)* {4}health_uri \/health\n/)
})

t.test('what is said of the set-up of others is what they get', async (t) => {
  const about = new Map(PEERS.map((peer) => [peer.name, peer.about]))
  for (const line of ['option httpchk GET /health', 'option redispatch']) t.ok(about.get('HAProxy')?.includes(line))
  for (const line of ['lb_try_duration 5s', 'health_interval 10s']) t.ok(about.get('Caddy')?.includes(line))
})
