import t from 'tap'
import { ResponseBody } from '../../src/upstream/response-body.ts'

interface Arranged {
  readonly body: ResponseBody
  /** What the upstream connection was told. */
  readonly told: string[]
}

function arrange (): Arranged {
  const told: string[] = []
  const body = new ResponseBody({
    pause: () => { told.push('pause') },
    resume: () => { told.push('resume') },
    abandoned: () => { told.push('abandoned') }
  })
  return { body, told }
}

/** The parts that a reader gets, as they come. */
function partsOf (body: ResponseBody): Buffer[] {
  const parts: Buffer[] = []
  body.on('data', (part: Buffer) => { parts.push(part) })
  return parts
}

/** Lets everything happen that streams put off. */
async function settled (): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => { setImmediate(resolve) })
}

t.test('the small pieces of one read go on as one', async (t) => {
  const { body } = arrange()
  const parts = partsOf(body)
  await settled()
  for (const letter of 'letter by letter') body.pass(Buffer.from(letter))
  await settled()
  t.strictSame(parts.map(String), ['letter by letter'])
  for (const letter of 'and another') body.pass(Buffer.from(letter))
  await settled()
  t.strictSame(parts.map(String), ['letter by letter', 'and another'], 'what comes with the next one does not wait')
})

t.test('large pieces, and a single one, go on as they are, not copied', async (t) => {
  const { body } = arrange()
  const parts = partsOf(body)
  await settled()
  const large = [Buffer.alloc(1024, 'a'), Buffer.alloc(1500, 'b'), Buffer.alloc(1, 'c'), Buffer.alloc(4000, 'd')]
  for (const piece of large) body.pass(piece)
  await settled()
  const single = Buffer.from('x')
  body.pass(single)
  await settled()
  t.equal(parts.length, 5)
  t.ok([...large, single].every((piece, index) => parts[index] === piece))
})

t.test('what comes goes on within the turn', async (t) => {
  const { body } = arrange()
  const parts = partsOf(body)
  await settled()
  body.pass(Buffer.from('now'))
  await new Promise<void>((resolve) => { process.nextTick(resolve) })
  t.strictSame(parts.map(String), ['now'])
})

t.test('the end comes behind what came with it', async (t) => {
  const { body } = arrange()
  const parts = partsOf(body)
  body.pass(Buffer.from('all '))
  body.pass(Buffer.from('of it'))
  body.finish()
  await settled()
  t.equal(Buffer.concat(parts).toString(), 'all of it')
  t.ok(body.readableEnded)
})

t.test('a body that is cut does not end, whatever came with the cut', async (t) => {
  const { body, told } = arrange()
  const parts = partsOf(body)
  await settled()
  body.pass(Buffer.from('half '))
  body.pass(Buffer.from('of it'))
  body.destroy()
  await settled()
  t.strictSame([parts.length, body.readableEnded, told], [0, false, ['abandoned']])
})

t.test('a client that takes no more stops the backend once, and lets it go on once', async (t) => {
  const { body, told } = arrange()
  const piece = Buffer.alloc(body.readableHighWaterMark / 64, 'x')
  for (let i = 0; i < 63; i++) body.pass(piece)
  await settled()
  t.strictSame(told, [], 'there is room for one more')
  for (let i = 0; i < 2; i++) {
    body.pass(piece)
    await settled()
  }
  t.strictSame(told, ['pause'])
  const parts = partsOf(body)
  await settled()
  t.strictSame(told, ['pause', 'resume'])
  t.equal(Buffer.concat(parts).length, 65 * piece.length)
})
