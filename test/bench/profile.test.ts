import t from 'tap'
import { type CpuProfile, timesByGroup } from '../../bench/profile/groups.ts'

/** A profile in which each function was seen once, for so many microseconds. */
function profileOf (seen: ReadonlyArray<readonly [functionName: string, url: string, micros: number]>): CpuProfile {
  return {
    nodes: seen.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } })),
    samples: seen.map((_, id) => id),
    timeDeltas: seen.map(([, , micros]) => micros)
  }
}

t.test('time is added up by who spent it, most first', async (t) => {
  const profile = profileOf([
    ['start', 'file:///x/app/src/upstream/exchange.ts', 5], ['(anonymous)', 'file:///x/app/plugins/proxy.ts', 2], ['of', 'file:///x/app/src/upstream/a.ts', 1],
    ['lookup', 'file:///x/app/node_modules/find-my-way/index.js', 4], ['send', 'file:///x/app/node_modules/fastify/lib/reply.js', 20],
    ['parserOnIncoming', 'node:_http_server', 7], ['emit', 'node:events', 3], ['write', 'node:internal/streams/writable', 9],
    ['writeUtf8String', '', 30], ['(program)', '', 10], ['now', '', 1.5]
  ])
  t.strictSame(timesByGroup(profile, '/x/app'), [
    { group: 'writing answers to clients (kernel)', micros: 30 },
    { group: 'Fastify: hooks, request, reply', micros: 20 },
    { group: 'reading, polling and parsing requests outside of JavaScript (kernel, libuv, llhttp)', micros: 10 },
    { group: 'Node: sockets and streams', micros: 9 },
    { group: 'Node: HTTP server', micros: 7 },
    { group: 'Fastlancer: src/upstream', micros: 6 },
    { group: 'Fastify: router', micros: 4 },
    { group: 'Node: events, ticks, timers', micros: 3 },
    { group: 'Fastlancer: plugins', micros: 2 },
    { group: 'other functions of V8 and Node outside of JavaScript', micros: 1.5 }
  ])
})

t.test('time in which nothing was to be done is nobody\'s', async (t) => {
  t.strictSame(timesByGroup(profileOf([['(idle)', '', 100], ['(root)', '', 3]]), '/x'), [])
})

t.test('a file outside of the checkout is told apart', async (t) => {
  t.strictSame(timesByGroup(profileOf([['f', 'file:///home/me/plugin.ts', 1]]), '/x'), [{ group: 'other files', micros: 1 }])
})
