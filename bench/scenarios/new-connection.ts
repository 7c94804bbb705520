/** A new connection for each request. */
import { requestScenario } from './requests.ts'

export const newConnection = requestScenario({
  name: 'new-connection',
  title: 'A new connection for each request',
  about: 'Small GET with `Connection: close`, 64 at a time (wrk).',
  fields: ['Connection: close'],
  needs: []
})
