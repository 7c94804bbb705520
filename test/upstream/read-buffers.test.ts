import t from 'tap'
import { noteStreamed } from '../../src/upstream/read-buffers.ts'

const MIB = 1024 * 1024

t.test('a young collection comes once in 16 MiB that were streamed, not with every chunk', async (t) => {
  const collections: unknown[] = []
  t.intercept(globalThis, 'gc', { value: (options: unknown) => { collections.push(options) } })
  for (let mib = 0; mib < 15; mib++) noteStreamed(MIB)
  t.same(collections, [])
  noteStreamed(MIB)
  t.same(collections, [{ type: 'minor' }])
  for (let mib = 0; mib < 15; mib++) noteStreamed(MIB)
  t.equal(collections.length, 1)
  noteStreamed(MIB)
  t.equal(collections.length, 2)
})

t.test('without node --expose-gc nothing happens', async (t) => {
  t.intercept(globalThis, 'gc', { value: undefined })
  t.doesNotThrow(() => noteStreamed(17 * MIB))
})
