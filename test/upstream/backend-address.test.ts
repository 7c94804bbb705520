import t from 'tap'
import { type BackendAddress, backendAddress } from '../../src/upstream/backend-address.ts'

t.test('a URL says where the backend is and what is spoken there', async (t) => {
  const cases: ReadonlyArray<readonly [url: string, hostname: string, port: number, authority: string, isTls: boolean, protocol: BackendAddress['protocol']]> = [
    ['http://a:8081', 'a', 8081, 'a:8081', false, 'http/1.1'],
    ['http://a', 'a', 80, 'a', false, 'http/1.1'],
    ['https://a.example', 'a.example', 443, 'a.example', true, 'http/1.1'],
    ['https://a:80', 'a', 80, 'a:80', true, 'http/1.1'],
    ['h2c://a:8081', 'a', 8081, 'a:8081', false, 'h2'],
    ['h2c://a', 'a', 80, 'a', false, 'h2'],
    ['h2c://a:443', 'a', 443, 'a:443', false, 'h2'],
    ['h2://a', 'a', 443, 'a', true, 'h2'],
    ['h2://a:8443', 'a', 8443, 'a:8443', true, 'h2'],
    ['http://127.0.0.1:1', '127.0.0.1', 1, '127.0.0.1:1', false, 'http/1.1'],
    ['http://[::1]:8081', '::1', 8081, '[::1]:8081', false, 'http/1.1'],
    ['h2://[2001:db8::1]', '2001:db8::1', 443, '[2001:db8::1]', true, 'h2']
  ]
  for (const [url, hostname, port, authority, isTls, protocol] of cases) {
    t.strictSame(backendAddress(url), { url, hostname, port, authority, isTls, protocol }, url)
  }
})

t.test('anything else is refused', async (t) => {
  for (const url of ['', 'a:8081', 'ftp://a', 'h3://a', 'HTTP://a', 'ws://a', '//a', 'http', 'http://', 'http://a:99999', 'h2://']) {
    t.throws(() => backendAddress(url), TypeError, url)
  }
})
