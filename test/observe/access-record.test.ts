import t from 'tap'
import { accessRecord } from '../../src/observe/access-record.ts'

const FACTS = { method: 'GET', url: '/a?b=c', status: 200, client: '192.0.2.1', ms: 12.5 }
const WORK = { backend: { url: 'http://b:8081' }, attempts: 2, requestBytes: 10, responseBytes: 2_000, upstreamMs: 11 }

t.test('a proxied request has one flat record, in a fixed order', async (t) => {
  const record = accessRecord({ ...FACTS, work: WORK })
  t.strictSame(record, {
    method: 'GET', url: '/a?b=c', status: 200, client: '192.0.2.1', ms: 12.5,
    backend: 'http://b:8081', attempts: 2, requestBytes: 10, responseBytes: 2_000, upstreamMs: 11
  })
  t.strictSame(Object.keys(record), [
    'method', 'url', 'status', 'client', 'ms', 'backend', 'attempts', 'requestBytes', 'responseBytes', 'upstreamMs'
  ])
})

t.test('a request that was not proxied says nothing of backends', async (t) => {
  t.strictSame(accessRecord({ ...FACTS, work: null }), FACTS)
})

t.test('a request that found no backend and no answer has null for both', async (t) => {
  const work = { backend: undefined, attempts: 0, requestBytes: 0, responseBytes: 0, upstreamMs: undefined }
  t.strictSame(accessRecord({ ...FACTS, work }), { ...FACTS, backend: null, attempts: 0, requestBytes: 0, responseBytes: 0, upstreamMs: null })
})

t.test('times are rounded to microseconds', async (t) => {
  const record = accessRecord({ ...FACTS, ms: 1.234_567, work: { ...WORK, upstreamMs: 0.000_51 } })
  t.match(record, { ms: 1.235, upstreamMs: 0.001 })
})

t.test('an answer that took no time is not one that never came', async (t) => {
  t.equal(accessRecord({ ...FACTS, work: { ...WORK, upstreamMs: 0 } })['upstreamMs'], 0)
})

t.test('of the work only what is named is recorded', async (t) => {
  const work = { ...WORK, secret: 'x' }
  t.notOk('secret' in accessRecord({ ...FACTS, work }))
})
