import { totalmem } from 'node:os'
import t from 'tap'
import { heapMemory, processLimitBytes, processMemory } from '../../src/observe/memory-use.ts'

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
