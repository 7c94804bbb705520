import t from 'tap'
import { type Backend, BUILT_IN_POLICIES, type Policy, policyFaults, type PolicyFactory } from '../../src/testing/index.ts'

/** A policy that is round-robin but for what is given. */
function broken (faulty: (active: readonly Backend[], members: readonly Backend[], tried: readonly Backend[]) => Backend | undefined): PolicyFactory {
  return (): Policy => {
    let [active, members]: ReadonlyArray<readonly Backend[]> = [[], []]
    return {
      name: 'broken',
      rebuild: (nowActive, nowMembers) => { [active, members] = [nowActive, nowMembers] },
      pick: ({ tried }) => faulty(active ?? [], members ?? [], tried)
    }
  }
}

t.test('the built-in ones have no faults', async (t) => {
  for (const [name, policy] of BUILT_IN_POLICIES) t.strictSame(policyFaults(policy), [], name)
})

t.test('the first that was not tried is a poor policy, but a whole one', async (t) => {
  t.strictSame(policyFaults(broken((active, _members, tried) => active.find((backend) => !tried.includes(backend)))), [])
})

t.test('one that picks who was tried is found out', async (t) => {
  t.match(policyFaults(broken((active) => active[0])), [/tried already/])
})

t.test('one that picks who is down is found out', async (t) => {
  t.match(policyFaults(broken((_active, members, tried) => members.find((backend) => !tried.includes(backend)))), [/not active/])
})

t.test('one that gives up too soon is found out', async (t) => {
  t.match(policyFaults(broken((active, _members, tried) => tried.length > 0 ? undefined : active[0])), [/picks nobody although/])
})

t.test('one that throws is found out', async (t) => {
  t.match(policyFaults(broken(() => { throw new Error('not today') })), ['it throws: not today'])
})
