/** Hooks that take their time: what a client does meanwhile is not forgotten. */
import { scenario, until } from '../helper.ts'

scenario('a client that leaves while a hook is at work costs no backend anything', async (s, t) => {
  const origin = await s.origin('a')
  let isWaiting = false
  let goOn = (): void => {}
  const gateway = await s.gateway([origin], {
    extend: (app) => {
      app.addHook('onRequest', async () => {
        isWaiting = true
        await new Promise<void>((resolve) => { goOn = resolve })
      })
    }
  })
  const client = await s.client(gateway)
  client.get('/')
  await until('the hook is at work', () => isWaiting)
  client.reset()
  await until('the gateway has noticed', () => gateway.app.intake.size === 0)
  goOn()
  await until('the request is over', () => gateway.logs.of('client gone').length === 1)
  t.strictSame([origin.requests.length, gateway.app.pool.status().backends[0]?.requests], [0, 0])
})
