/** Small answers on kept connections. */
import type { Scenario } from '../types.ts'
import { requestScenario } from './requests.ts'

export const small: Scenario = smallGet('small', 64)
export const smallOne: Scenario = smallGet('small-1', 1)
export const smallMany: Scenario = smallGet('small-512', 512)

function smallGet (name: string, connections: number): Scenario {
  return requestScenario({
    name,
    connections,
    title: `Small GET, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    about: `Answers of 13 bytes on kept connections of HTTP/1.1 (wrk, ${connections} at a time).`,
    needs: []
  })
}
