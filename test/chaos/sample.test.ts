import t from 'tap'
import { readSamples, type Sample, writeSample } from '../../chaos/load/sample.ts'

t.test('samples are read as they were written', async (t) => {
  const samples: Sample[] = [
    { begunMs: 123_456.25, tookMs: 0.5, backend: 'b1', fault: '' },
    { begunMs: 123_457, tookMs: 4_000.01, backend: '', fault: 'ECONNRESET' }
  ]
  t.strictSame(readSamples(samples.map(writeSample).join('')), samples)
})

t.test('of no lines there are no samples', async (t) => {
  t.strictSame(readSamples(''), [])
})

t.test('what is no sample is refused', async (t) => {
  for (const line of ['Error: no', '1.00 2.00 b1', 'x 2.00 b1 -', '1.00  b1 -']) t.throws(() => readSamples(`${line}\n`), { message: /no sample/ }, line)
})
