import t from 'tap'
import { isOffered, offeredProtocols } from '../../src/wire/upgrade.ts'

t.test('protocols go on in order and spelling', async (t) => {
  for (const [upgrade, offered] of [
    ['websocket', 'websocket'], ['WebSocket', 'WebSocket'], ['a/1.0,b', 'a/1.0, b'], [' a ,\tb/2 ', 'a, b/2'], ['a,,b,', 'a, b'],
    ['TLS/1.0, HTTP/1.1', 'TLS/1.0, HTTP/1.1'], ['h2cx, xh2, h2-c', 'h2cx, xh2, h2-c']
  ] as const) t.equal(offeredProtocols(upgrade), offered, upgrade)
})

t.test('HTTP/2 is taken out wherever it stands', async (t) => {
  for (const [upgrade, offered] of [
    ['websocket, h2c', 'websocket'], ['h2c, websocket', 'websocket'], ['a,H2C ,b', 'a, b'], ['a, h2c/1, b', 'a, b'], ['a, h2', 'a'], ['H2/2.0,a', 'a']
  ] as const) t.equal(offeredProtocols(upgrade), offered, upgrade)
})

t.test('of nothing but HTTP/2 nothing is left', async (t) => {
  for (const upgrade of ['h2c', 'H2C', 'h2', ',h2c', 'h2c,', 'h2c, h2', '\th2c ', 'h2c/1', '', undefined]) t.equal(offeredProtocols(upgrade), undefined, String(upgrade))
})

t.test('what is no protocol by its form is taken out, as somebody might read HTTP/2 in it', async (t) => {
  for (const upgrade of ['h2c;x', 'h2c ;x', 'h2c x', '"h2c"', '"a,h2c"', '(h2c', 'h2c\u00a0', '/h2c', 'a/', 'a/b/c']) t.equal(offeredProtocols(upgrade), undefined, upgrade)
  t.equal(offeredProtocols('h2c;x, websocket'), 'websocket')
})

t.test('a backend may change to what it was offered, and to nothing else', async (t) => {
  for (const [chosen, offered] of [['websocket', 'websocket'], ['WebSocket', 'websocket'], ['b', 'a, b'], ['a/2', 'a/1'], ['b, a', 'a, b'], [undefined, 'a']] as const) {
    t.equal(isOffered(chosen, offered), true, `${chosen} of ${offered}`)
  }
  for (const [chosen, offered] of [['h2c', 'websocket'], ['websocket, h2c', 'websocket'], ['', 'a'], ['web', 'websocket']] as const) {
    t.equal(isOffered(chosen, offered), false, `${chosen} of ${offered}`)
  }
})
