/** Looking at the first bytes of a connection, and giving them back. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { resetConnection } from '../../src/client/reset.ts'
import { peek, type PeekOptions, type Verdict } from '../../src/client/peek.ts'
import { Deadline } from '../../src/timing/deadline.ts'
import { TimeoutQueue } from '../../src/timing/timeout-queue.ts'
import { portOf } from '../kit/port.ts'
import { until } from '../kit/until.ts'

interface Pair {
  readonly client: Socket
  /** The side that is looked at. */
  readonly socket: Socket
}

/** A connection, until the test ends. Like those of the gateway it may be half open. */
async function pair (t: Test): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<Socket>((resolve) => { server.once('connection', resolve) })
  const client = connect({ port: portOf(server), host: '127.0.0.1', noDelay: true })
  client.on('error', () => {})
  const socket = await accepted
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  return { client, socket }
}

/** Peeks and notes what comes of it. */
function watch (t: Test, socket: Socket, judge: PeekOptions['judge'], timeoutMs = 60_000): string[] {
  const timeouts = new TimeoutQueue(timeoutMs)
  t.teardown(() => timeouts.close())
  const told: string[] = []
  peek({ socket, judge, timeouts, onDone: () => { told.push('done') }, onTimeout: () => { told.push('timeout') } })
  return told
}

function listeners (socket: Socket): number[] {
  return ['readable', 'data', 'error', 'end', 'close'].map((name) => socket.listenerCount(name))
}

/** Enough when there are so many bytes, of which `taken` are dropped. */
function enough (bytes: number, taken: number, seen: string[] = []): (all: Buffer) => Verdict {
  return (all) => {
    seen.push(all.toString())
    return all.length < bytes ? { state: 'more' } : { state: 'done', taken }
  }
}

t.test('the judge sees all bytes so far, and whoever comes next reads what was not taken', async (t) => {
  const { client, socket } = await pair(t)
  const before = listeners(socket)
  const seen: string[] = []
  const told = watch(t, socket, enough(8, 3, seen))
  for (const [index, part] of ['one', 'two', 'three'].entries()) {
    client.write(part)
    await until('it is seen', () => seen.length === index + 1)
  }
  t.same(seen, ['one', 'onetwo', 'onetwothree'])
  t.same(told, ['done'])
  t.same(listeners(socket), before, 'nothing is left behind')
  let read = ''
  socket.on('data', (chunk: Buffer) => { read += chunk.toString() })
  client.write('four')
  await until('all is read', () => read === 'twothreefour')
})

t.test('when all is taken, nothing is read again', async (t) => {
  const { client, socket } = await pair(t)
  const told = watch(t, socket, enough(6, 6))
  client.write('header')
  await until('the verdict', () => told.length === 1)
  let read = ''
  socket.on('data', (chunk: Buffer) => { read += chunk.toString() })
  client.write('next')
  await until('the next bytes', () => read === 'next')
})

t.test('one look can follow another', async (t) => {
  const { client, socket } = await pair(t)
  const timeouts = new TimeoutQueue(60_000)
  t.teardown(() => timeouts.close())
  const seen: string[] = []
  const onTimeout = (): void => { seen.push('timeout') }
  peek({
    socket,
    judge: enough(4, 4),
    timeouts,
    onDone: () => peek({ socket, judge: enough(4, 0, seen), timeouts, onDone: () => { seen.push('done') }, onTimeout }),
    onTimeout
  })
  client.write('headbody')
  await until('both are over', () => seen.includes('done'))
  t.same(seen, ['body', 'done'])
  t.equal(String(socket.read()), 'body')
})

t.test('too few bytes in time: whoever asked is told, and decides', async (t) => {
  const { client, socket } = await pair(t)
  const before = listeners(socket)
  const told = watch(t, socket, enough(100, 0), 30)
  client.write('few')
  await until('the time is up', () => told.length === 1)
  t.same(told, ['timeout'])
  t.equal(socket.destroyed, false)
  t.same(listeners(socket), before, 'nothing is left behind')
})

for (const [way, leave] of [['ends', (client: Socket) => client.end()], ['resets', (client: Socket) => resetConnection(client)]] as const) {
  t.test(`a client that ${way} before the verdict is closed, and nobody is told`, async (t) => {
    const { client, socket } = await pair(t)
    const timeouts = new TimeoutQueue(50)
    t.teardown(() => timeouts.close())
    const told: string[] = []
    peek({ socket, judge: enough(100, 0), timeouts, onDone: () => { told.push('done') }, onTimeout: () => { told.push('timeout') } })
    client.write('few')
    leave(client)
    await until('it is closed', () => socket.destroyed)
    // A deadline that was set later: by then the first one would have passed as well.
    await new Promise<void>((resolve) => { timeouts.start(new Deadline(() => resolve())) })
    t.same(told, [])
  })
}
