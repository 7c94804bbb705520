/**
 * An example of a policy of your own: three backends are drawn, and the one with the fewest requests in flight is taken. As a plugin of the
 * gateway, and in the laboratory:
 *
 *   PLUGINS_DIR=examples/policy-plugin POLICY=least-of-three npm start
 *   npm run simulate -- --plugin examples/policy-plugin/least-of-three.ts
 */
import type { FastifyInstance } from 'fastify'
// In a project of your own: from 'fastlancer', and from 'fastlancer/testing'.
import type { Backend } from '../../src/index.ts'
import type { PolicyFactory } from '../../src/testing/index.ts'

export const name = 'least-of-three'

export const factory: PolicyFactory = ({ random }) => {
  let active: readonly Backend[] = []
  return {
    name,
    rule: 'three are drawn, and the one with the fewest in flight is taken; of equal ones the first that was drawn',
    rebuild: (backends) => { active = backends },
    pick: ({ tried }) => {
      const left = tried.length === 0 ? active : active.filter((backend) => !tried.includes(backend))
      let best: Backend | undefined
      for (let draw = 0; draw < 3; draw++) {
        const drawn = left[Math.floor(random() * left.length)]
        if (best === undefined || (drawn !== undefined && drawn.inFlight < best.inFlight)) best = drawn
      }
      return best
    }
  }
}

export default async function leastOfThree (fastify: FastifyInstance): Promise<void> {
  fastify.policies.set(name, factory)
}
