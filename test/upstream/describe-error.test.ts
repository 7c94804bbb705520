import t from 'tap'
import { describeError } from '../../src/upstream/describe-error.ts'

t.test('the code goes before the message, unless the message has it', async (t) => {
  t.equal(describeError(Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })), 'UND_ERR_SOCKET: other side closed')
  t.equal(describeError(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })), 'connect ECONNREFUSED 127.0.0.1:1')
})

t.test('a name whose addresses all failed is described by each of them', async (t) => {
  const error = new AggregateError([new Error('connect ECONNREFUSED ::1:8081'), new Error('connect ECONNREFUSED 127.0.0.1:8081')], '')
  t.equal(describeError(Object.assign(error, { code: 'ECONNREFUSED' })), 'connect ECONNREFUSED ::1:8081; connect ECONNREFUSED 127.0.0.1:8081')
})

t.test('an error that says nothing is described by its name', async (t) => {
  t.equal(describeError(new TypeError('')), 'TypeError')
})
