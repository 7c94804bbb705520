/** The newcomer's first minute: `npm run demo`, step by step as its introduction says. */
import t, { type Test } from 'tap'
import { call } from '../helper.ts'
import { Child } from '../scripts/child.ts'

t.test('the demo does what its introduction says', async (t) => {
  const demo = start(t)
  const url = addressIn(await demo.says(/curl http:\S+\/\n/))
  const off = addressIn(await demo.says(/curl -X POST \S+\/off/))
  const on = addressIn(await demo.says(/curl -X POST \S+\/on/))
  const status = addressIn(await demo.says(/curl \S+\/-\/status/))

  t.same(await namesOf(url, 6), ['one', 'two', 'three', 'one', 'two', 'three'], 'they take turns')
  t.match(await call(off, { method: 'POST' }), { status: 200, text: 'two is off\n' })
  t.same((await namesOf(url, 6)).filter((name) => name !== 'one' && name !== 'three'), [], 'no request fails')
  await demo.says(/backend is down: two/)
  t.match(await call(on, { method: 'POST' }), { status: 200, text: 'two is on\n' })
  await demo.says(/backend is down: two[^]*backend is up: two/)
  t.ok((await namesOf(url, 3)).includes('two'), 'it is back')
  t.match(JSON.parse((await call(status)).text), { pools: [{ backends: [{ healthy: true }, { healthy: true }, { healthy: true }] }] })
  t.match(await call(on.replace('/two/', '/four/'), { method: 'POST' }), { status: 404, text: /one, two or three/ })

  demo.process.kill('SIGINT')
  t.equal(await demo.exitCode(), 0, 'Ctrl-C ends it cleanly')
  t.equal(demo.stderr, '')
})

t.test('a backend switched off or on twice is as it was', async (t) => {
  const demo = start(t)
  const off = addressIn(await demo.says(/curl -X POST \S+\/off/))
  for (const url of [off, off, off.replace(/off$/, 'on'), off.replace(/off$/, 'on')]) {
    t.equal((await call(url, { method: 'POST' })).status, 200)
  }
  demo.process.kill('SIGTERM')
  t.equal(await demo.exitCode(), 0)
})

t.test('a PORT that cannot be used ends it with the reason', async (t) => {
  const demo = start(t, 'eighty')
  t.equal(await demo.exitCode(), 1)
  t.match(demo.stderr, /PORT: "eighty" is not allowed/)
})

function start (t: Test, port = '0'): Child {
  const demo = new Child(['examples/demo.ts'], { env: { PORT: port } })
  t.teardown(() => demo.kill())
  return demo
}

function addressIn (line: string): string {
  return /http:\S+/.exec(line)?.[0] ?? ''
}

/** Which backend answered each of `count` requests. */
async function namesOf (url: string, count: number): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push((await call(url)).text.split(' ')[0] ?? '')
  return names
}
