/** What a backend is asked to change to: what the client asked for, but never HTTP/2 (it would be spoken past every check). */
import { answer, fieldValues, scenario, upgradeToEcho } from '../helper.ts'

const WITH_ANOTHER = [
  ['upgrade: echo, h2c'], ['upgrade: h2c, echo'], ['upgrade: echo', 'upgrade: h2c'], ['upgrade: h2c', 'Upgrade: echo'], ['upgrade: H2C/1 ,echo,h2;x']
]

for (const lines of WITH_ANOTHER) {
  scenario(`only the other one of ${JSON.stringify(lines)} goes on`, async (s, t) => {
    const origin = await s.scripted('a', upgradeToEcho())
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/', ['connection: Upgrade, HTTP2-Settings', 'http2-settings: AAMAAABk', ...lines])
    t.match((await client.head()).startLine, / 101 /)
    client.send('ping')
    t.equal(String(await client.reader.exactly(4)), 'ping')
    const head = origin.requests[0]?.head
    t.same(head === undefined ? [] : [fieldValues(head, 'upgrade'), fieldValues(head, 'http2-settings')], [['echo'], []])
    await client.leave()
  })
}

for (const lines of [['upgrade: h2c'], ['upgrade: ,h2c'], ['upgrade: h2', 'upgrade: H2C'], ['upgrade: h2c;x'], ['upgrade: h2c/1'], ['upgrade: "h2c"']]) {
  scenario(`${JSON.stringify(lines)}: an ordinary request, the last one of its connection`, async (s, t) => {
    const origin = await s.scripted('a', answer({ body: 'ordinary' }))
    const gateway = await s.gateway([origin])
    const client = await s.client(gateway)
    client.get('/', ['connection: Upgrade, HTTP2-Settings', 'http2-settings: AAMAAABk', ...lines])
    const { status, body } = await client.answer()
    t.match({ status, body: body.toString() }, { status: 200, body: 'ordinary' })
    t.equal(await client.ended, 'fin')
    const head = origin.requests[0]?.head
    t.same(head === undefined ? ['none'] : ['upgrade', 'http2-settings', 'connection'].flatMap((name) => fieldValues(head, name)), [])
  })
}
