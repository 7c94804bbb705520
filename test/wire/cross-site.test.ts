import t from 'tap'
import { crossSiteReason, isLoopback } from '../../src/wire/cross-site.ts'

t.test('who asks by address or as localhost, and names no origin, is let in', async (t) => {
  for (const host of ['127.0.0.1:9900', '127.0.0.1', '10.0.0.5:1', '[::1]:9900', '[::1]', '[2001:db8::1]:80', 'localhost:9900', 'localhost', 'LOCALHOST:9900', '127.0.0.1:']) {
    t.equal(crossSiteReason({ host }), undefined, host)
  }
})

t.test('any other name may be one that a site lets point here', async (t) => {
  const hosts = [
    'evil.example:9900', 'evil.example', 'localhost.evil.example', 'localhost.', 'xlocalhost', '127.0.0.1.evil.example', '127.1', '2130706433', '0x7f.0.0.1', '127.0.0.1,evil.example', 'evil.example@127.0.0.1',
    '::1', '[::1', '[evil.example]', '[::1].evil.example', 'localhost:x', 'localhost:99999', '', ' '
  ]
  for (const host of hosts) t.equal(crossSiteReason({ host }), `was sent to the host "${host}": ask by address, or as localhost`, host)
  t.match(crossSiteReason({}), /^was sent to the host ""/)
})

t.test('a page is let in only if it came from here', async (t) => {
  for (const [host, origin] of [['127.0.0.1:9900', 'http://127.0.0.1:9900'], ['localhost:9900', 'http://localhost:9900'], ['localhost:9900', 'http://LOCALHOST:9900'], ['[::1]:9900', 'http://[::1]:9900']] as const) {
    t.equal(crossSiteReason({ host, origin }), undefined, origin)
  }
  for (const origin of ['null', '', 'http://evil.example', 'http://127.0.0.1', 'http://127.0.0.1:8080', 'http://localhost:9900', 'https://127.0.0.1:9900', 'http://127.0.0.1:9900.evil.example', 'http://127.0.0.1:9900/']) {
    t.equal(crossSiteReason({ host: '127.0.0.1:9900', origin }), `comes from a page of another site (Origin: ${origin}): ask without a browser`, origin)
  }
  t.match(crossSiteReason({ host: 'evil.example:9900', origin: 'http://evil.example:9900' }), /^was sent to the host/, 'a name that points here is of no use')
})

t.test('loopback addresses are told from others', async (t) => {
  for (const address of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) t.ok(isLoopback(address), address)
  for (const address of ['0.0.0.0', '::', '10.127.0.1', '127.evil.example', '1270.0.0.1', '']) t.notOk(isLoopback(address), address)
})
