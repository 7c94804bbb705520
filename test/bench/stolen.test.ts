import t from 'tap'
import { processorAccount, stolenRatio } from '../../bench/stolen.ts'

const STAT = 'cpu  100 10 50 1000 20 5 15 40 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n'

t.test('what is asked for is all but idle time and waiting, what the host kept included', async (t) => {
  t.strictSame(processorAccount(STAT), { asked: 220, stolen: 40 })
})

t.test('this machine has an account', async (t) => {
  const { asked, stolen } = processorAccount()
  t.ok(asked > 0 && stolen >= 0 && stolen <= asked)
})

t.test('the ratio is of what was asked for between the two looks', async (t) => {
  t.equal(stolenRatio({ asked: 100, stolen: 10 }, { asked: 300, stolen: 60 }), 0.25)
  t.equal(stolenRatio({ asked: 100, stolen: 10 }, { asked: 100, stolen: 10 }), 0)
})
