import t from 'tap'
import { createApp } from '../src/app.ts'
t.test('the application loads with the defaults', async (t) => {
  const app = createApp()
  t.teardown(() => app.close())
  await app.ready()
  t.equal(app.pool.backends.length, 3)
})
