import t from 'tap'
import { runScenario } from '../../bench/measure.ts'
import { fastlancer, fastlancerTwice } from '../../bench/peers/fastlancer.ts'
import { fastGateway, fastifyAlone, httpProxy, httpProxy3, httpxy, nodeSockets } from '../../bench/peers/node.ts'
import { ask, untilAnswers } from '../../bench/ready.ts'
import { AGAINST_US, everyPeer, throughput } from '../../bench/scenarios/common.ts'
import type { ProcessorAccount } from '../../bench/stolen.ts'
import type { Entrant, Feature, Peer, Scenario } from '../../bench/types.ts'
import { countingBackends, site, SKIP } from './site-for-tests.ts'

const LOAD = { rounds: 3, seconds: 1, warmUpSeconds: 1 }

interface Asking {
  readonly needs?: readonly Feature[]
  readonly shape?: Partial<Entrant>
  /** Requests of a slice. */
  readonly requests?: number
}

/** A scenario whose load is a few requests, one after the other. */
function asking ({ needs = [], shape = {}, requests = 6 }: Asking = {}): Scenario {
  return {
    name: 'asking',
    title: 'Asking',
    about: '',
    metrics: [],
    comparison: AGAINST_US,
    field: everyPeer(needs, shape),
    measure: async (target) => await throughput(target, async () => {
      for (let i = 0; i < requests; i++) {
        const { body } = await ask(target.origin, { protocol: target.entrant.protocol })
        if (body !== 'hello, world\n') throw new Error(`answered "${body}"`)
      }
      return { units: requests, seconds: 1 }
    })
  }
}

for (const peer of [fastlancer, httpProxy, fastGateway, httpProxy3, httpxy, nodeSockets]) {
  t.test(`${peer.name} takes its backends by turns`, { skip: SKIP }, async (t) => {
    const backends = await countingBackends()
    t.teardown(() => backends.close())
    const { samples, missing } = await runScenario(site, asking(), [peer], LOAD, () => {}, { start: async () => backends })
    t.strictSame(missing, [])
    t.equal(samples.get(peer.name)?.length, LOAD.rounds)
    t.ok(Math.max(...backends.counts) - Math.min(...backends.counts) <= 1, `requests: ${backends.counts.join(', ')}`)
  })
}

t.test('two processes of Fastlancer are one peer: both belong to it, and each has a port', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  const { process, port, otherPorts = [] } = await fastlancerTwice.start(site, { protocol: 'http', backends: backends.addresses, settings: {} })
  t.teardown(async () => {
    await Promise.all([process.stop(), backends.process.stop()])
    backends.close()
  })
  const ports = [port, ...otherPorts]
  t.equal(new Set(ports).size, 2)
  for (const one of ports) await untilAnswers(`http://127.0.0.1:${one}`, process)
  t.equal(process.pids().length, 2)
})

for (const protocol of ['https', 'h2'] as const) {
  t.test(`peers speak ${protocol} where it is asked for`, { skip: SKIP }, async (t) => {
    const backends = await countingBackends()
    t.teardown(() => backends.close())
    const peers = [fastlancer, httpProxy, httpxy, fastifyAlone, nodeSockets]
    const { entrants, missing } = await runScenario(site, asking({ needs: ['tls'], shape: { protocol } }), peers, { ...LOAD, rounds: 1 }, () => {}, { start: async () => backends })
    t.strictSame(entrants, [fastlancer.name, httpProxy.name, httpxy.name, fastifyAlone.name])
    t.strictSame(missing, [{ name: nodeSockets.name, reason: 'bytes only' }])
  })
}

t.test('a sample has the rate, the processor time and the share of the processor', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  const { samples } = await runScenario(site, asking(), [fastifyAlone], { ...LOAD, rounds: 1 }, () => {}, { start: async () => backends })
  const [sample] = samples.get(fastifyAlone.name) ?? []
  t.equal(sample?.['rate'], 6)
  t.ok((sample?.['cpu'] ?? 0) > 0)
  t.ok((sample?.['busy'] ?? 0) > 0)
})

t.test('a peer that is missing, cannot start or fails is named with the reason, and the others go on', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  const absent: Peer = { ...fastifyAlone, name: 'absent', version: () => undefined }
  const stuck: Peer = { ...fastifyAlone, name: 'stuck', start: async () => { throw new Error('no port') } }
  const broken: Peer = { ...fastlancer, name: 'broken', start: async (at, setup) => await fastlancer.start(at, { ...setup, settings: { PORT: 'none' } }) }
  const { entrants, missing } = await runScenario(site, asking(), [absent, stuck, broken, fastifyAlone], { ...LOAD, rounds: 1 }, () => {}, { start: async () => backends })
  t.strictSame(entrants, [fastifyAlone.name])
  t.match(missing, [
    { name: 'absent', reason: 'not on this machine' }, { name: 'stuck', reason: 'failed: no port' }, { name: 'broken', reason: /ended at its start: .*PORT/s }
  ])
})

t.test('one slice may fail; a peer whose slices fail again is out', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  for (const [failing, isOut] of [[[1], false], [[1, 2], true]] as const) {
    let slice = -2
    const scenario: Scenario = {
      ...asking(),
      // The first one is the warm-up.
      measure: async () => {
        slice++
        if (failing.some((one) => one === slice)) throw new Error('reset')
        return { rate: 1 }
      }
    }
    const { samples, missing } = await runScenario(site, scenario, [fastifyAlone], LOAD, () => {}, { start: async () => backends })
    t.equal(missing.length, isOut ? 1 : 0)
    t.equal(samples.get(fastifyAlone.name)?.filter((sample) => sample !== undefined).length, isOut ? 1 : 2)
  }
})

t.test('a scenario that asks for it gets a new process for each round', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  const pids: number[] = []
  const scenario: Scenario = {
    ...asking(),
    isFresh: true,
    prepare: async () => {},
    measure: async ({ process }) => {
      pids.push(process.pids()[0] ?? 0)
      return { rate: 1 }
    }
  }
  await runScenario(site, scenario, [fastifyAlone], LOAD, () => {}, { start: async () => backends })
  t.equal(new Set(pids).size, LOAD.rounds)
})

t.test('with more than a few errors a slice is none', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  const scenario: Scenario = {
    ...asking(),
    prepare: async () => {},
    measure: async (target) => await throughput(target, async () => ({ units: 100, errors: 2, fault: 'two resets' }))
  }
  const { missing } = await runScenario(site, scenario, [fastifyAlone], LOAD, () => {}, { start: async () => backends })
  t.match(missing, [{ reason: 'failed: two resets, beside 100 that went well' }])
})

/** Accounts as they are read one after the other: before and after each slice, which asks for 100 and loses what is given here. */
function accounts (lost: readonly number[]): () => ProcessorAccount {
  let reads = 0
  return () => {
    const slices = Math.floor((reads++ + 1) / 2)
    return { asked: 100 * slices, stolen: lost.slice(0, slices).reduce((sum, one) => sum + one, 0) }
  }
}

t.test('a slice that the host has disturbed is measured again, and the least disturbed one counts', { skip: SKIP }, async (t) => {
  const backends = await countingBackends()
  t.teardown(() => backends.close())
  let slice = -1
  const scenario: Scenario = { ...asking(), measure: async () => ({ slice: slice++ }) }
  // Of the first round the second try is good, of the second none, of the third the first.
  const account = accounts([6, 5, 30, 20, 25, 0])
  const { samples, repeated } = await runScenario(site, scenario, [fastifyAlone], LOAD, () => {}, { start: async () => backends, account })
  await backends.process.stop()
  t.strictSame(samples.get(fastifyAlone.name), [{ slice: 1, stolen: 0.05 }, { slice: 3, stolen: 0.2 }, { slice: 5, stolen: 0 }])
  t.equal(repeated, 3)
})
