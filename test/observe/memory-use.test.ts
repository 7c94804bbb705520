import { totalmem } from 'node:os'
import { getHeapSpaceStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { heapMemory, processLimitBytes, processMemory, youngLimitBytes } from '../../src/observe/memory-use.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

t.test('the limit is that of the cgroup, or the machine\'s memory where there is none, or where that is less', async (t) => {
  t.equal(processLimitBytes(GIB, 8 * GIB), GIB)
  t.equal(processLimitBytes(16 * GIB, 8 * GIB), 8 * GIB)
  t.equal(processLimitBytes(0, 8 * GIB), 8 * GIB, 'unknown')
  t.equal(processLimitBytes(2 ** 64, 8 * GIB), 8 * GIB, 'any')
})

t.test('the process has memory that is not in its heap', async (t) => {
  const before = processMemory()
  t.ok(before.usedBytes > 0 && before.usedBytes < before.limitBytes)
  t.ok(before.limitBytes <= totalmem())
  const block = Buffer.alloc(64 * 1024 * 1024, 1)
  t.ok(processMemory().usedBytes > before.usedBytes + block.length / 2)
})

t.test('the heap has a limit of its own', async (t) => {
  const before = heapMemory()
  t.ok(before.usedBytes > 0 && before.usedBytes < before.limitBytes)
  const kept = Array.from({ length: 1_000_000 }, (_, index) => ({ index }))
  t.ok(heapMemory().usedBytes > before.usedBytes + kept.length)
})

t.test('what has outlived a collection or two is counted, what is just made is not', async (t) => {
  const spaces = new Map(getHeapSpaceStatistics().map(({ space_name: name, space_used_size: bytes }) => [name, bytes]))
  const { usedBytes } = heapMemory()
  const all = [...spaces.values()].reduce((sum, bytes) => sum + bytes, 0)
  t.ok(usedBytes > 0.9 * (spaces.get('old_space') ?? NaN))
  t.ok(usedBytes < all - 0.5 * (spaces.get('new_space') ?? NaN))
})

t.test('the young generation is left out: only the old one has a limit that ends a thread', async (t) => {
  t.equal(youngLimitBytes(8, 8 * GIB), 8 * MIB, 'as a worker was told')
  t.equal(youngLimitBytes(undefined, 8 * GIB), 96 * MIB)
  t.equal(youngLimitBytes(undefined, 64 * GIB), 96 * MIB)
  t.equal(youngLimitBytes(undefined, GIB / 2), 6 * MIB)
})

t.test('the limit of a heap is what it was started with', async (t) => {
  const source = `import { heapMemory } from ${JSON.stringify(new URL('../../src/observe/memory-use.ts', import.meta.url).href)}
import { parentPort } from 'node:worker_threads'
parentPort.postMessage(heapMemory().limitBytes)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { resourceLimits: { maxOldGenerationSizeMb: 100 }, execArgv: [] })
  t.equal(await new Promise((resolve) => { worker.once('message', resolve) }), 100 * MIB)
})
