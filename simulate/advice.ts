/** What follows from the scenarios for whoever has to choose a policy: written by hand, with the comparisons that it rests on. */

/** A policy in a scenario. */
export interface Place {
  readonly scenario: string
  readonly policy: string
}

/** What a piece of advice rests on: that one is better than another, or that it makes no difference. */
export interface Evidence {
  readonly metric: string
  readonly better: Place
  readonly worse: Place
  /** At least so many times; default: 1, better at all. */
  readonly factor?: number
  /** They are within 10% of each other instead. */
  readonly isAlike?: boolean
}

export interface Advice {
  /** The heading. */
  readonly when: string
  /** What to do, a sentence. */
  readonly take: string
  readonly because: string
  readonly evidence: readonly Evidence[]
}

export const ADVICE: readonly Advice[] = [
  {
    when: 'You do not know, or nothing below is your case',
    take: 'Take `power-of-two`.',
    because: 'On a quiet day it costs nothing. It leaves a backend alone that is slow, hangs or is cold before any probe notices. Only ' +
      'do not expect more of it than it can see: of a thousand gateways each has so little in flight that its second choice is worth ' +
      'nothing, and it is as good as `random`.',
    evidence: [
      inOne('steady', 'p99', 'power-of-two', 'random', 1.3),
      inOne('slow-backend', 'p99', 'power-of-two', 'round-robin', 50),
      inOne('hanging-backend', 'failed', 'power-of-two', 'round-robin', 10),
      inOne('thundering-recovery', 'p99', 'power-of-two', 'round-robin', 20),
      alike('many-gateways', 'power-of-two', 'many-gateways', 'random', 'p99')
    ]
  },
  {
    when: 'One gateway, or a few, and nothing else before the backends',
    take: 'Take `least-connections`.',
    because: 'Whoever sees all requests does best with the exact order, with 10,000 backends and with backends whose sizes nobody has ' +
      'told it too. Common wisdom has it that it floods a backend that has just come back: not here, because a cold backend keeps what ' +
      'it has for longer, and gets less for it. It does flood one that fails fast (see below). And it needs to see the load: of a ' +
      'thousand gateways each sees so little in flight that all backends look idle, and it is as good as `random`.',
    evidence: [
      inOne('steady', 'p50', 'least-connections', 'power-of-two'),
      inOne('unknown-sizes', 'p99', 'least-connections', 'power-of-two', 1.3),
      inOne('many-backends', 'p99', 'least-connections', 'power-of-two', 1.2),
      inOne('thundering-recovery', 'p99', 'least-connections', 'round-robin', 20),
      alike('many-gateways', 'least-connections', 'many-gateways', 'random', 'p99')
    ]
  },
  {
    when: 'Backends whose speed changes',
    take: 'Try `peak-ewma`.',
    because: 'It is the quickest to leave a slow backend alone. That it is the better choice everywhere, as one often reads, is not so: ' +
      'without a slow backend its memory of a chance delay makes it a little less even than `power-of-two`, with thousands of backends ' +
      'it knows too little of each, and with `HEDGING=on` it never learns how slow an attempt was that was given up.',
    evidence: [
      inOne('slow-backend', 'p99', 'peak-ewma', 'power-of-two', 1.1),
      inOne('slow-backend', 'p999', 'peak-ewma', 'power-of-two', 2),
      inOne('thundering-recovery', 'p99', 'peak-ewma', 'power-of-two'),
      inOne('steady', 'p50', 'power-of-two', 'peak-ewma'),
      inOne('many-backends', 'p99', 'power-of-two', 'peak-ewma'),
      inOne('tail-hedged', 'p99', 'power-of-two', 'peak-ewma', 1.1)
    ]
  },
  {
    when: 'Backends with caches, and requests with keys',
    take: 'Take `consistent-hash` with `HASH_KEY`, or `bounded-hash` if a few keys are much of the load.',
    because: 'A key that stays where it is cached is worth more than any even load. A key that is more than one backend can serve ' +
      'breaks `consistent-hash`, and no other policy. `bounded-hash` pays for that with hits: where little is in flight 1.25 times the ' +
      'share of a backend is soon one request too many, and far more keys move than its paper lets one expect. Its tail is the better ' +
      'one all the same. Without keys it is no random choice: its bound alone makes it as good as `power-of-two` where a backend is ' +
      'slow.',
    evidence: [
      inOne('cold-cache', 'hits', 'consistent-hash', 'power-of-two', 1.3),
      inOne('cold-cache', 'p50', 'consistent-hash', 'power-of-two', 5),
      inOne('skewed-keys', 'p99', 'bounded-hash', 'consistent-hash', 50),
      inOne('cold-cache', 'hits', 'consistent-hash', 'bounded-hash', 1.1),
      inOne('cold-cache', 'p99', 'bounded-hash', 'consistent-hash'),
      alike('slow-backend', 'bounded-hash', 'slow-backend', 'power-of-two', 'p99')
    ]
  },
  {
    when: 'You want `round-robin`, the default',
    take: 'Give each backend a `max`.',
    because: 'Its promise is even counts, not even load: it sends its share to a backend that is slow, hangs or is cold until a probe ' +
      'or five failures in a row say otherwise. A limit on what one backend may have in flight takes most of the harm away. Backends of ' +
      'different sizes need their weights.',
    evidence: [
      between('p99', ['slow-backend-limited', 'round-robin'], ['slow-backend', 'round-robin'], 20),
      inOne('slow-backend-limited', 'p999', 'power-of-two', 'round-robin', 1.5),
      between('p99', ['mixed-weights', 'round-robin'], ['unknown-sizes', 'round-robin'], 50),
      inOne('unknown-sizes', 'p99', 'least-connections', 'weighted-round-robin', 50)
    ]
  },
  {
    when: 'Backends may fail fast',
    take: 'Set `EJECT_STATUSES=5xx`, and `RETRY_STATUSES=5xx` if requests may be repeated, with any policy.',
    because: 'By default an error is an answer like any other. A backend that fails at once has nothing in flight, and whoever goes by ' +
      'load prefers it: `least-connections` most of all, `power-of-two` and `peak-ewma` half as much. Once failures count, the policies ' +
      'are alike.',
    evidence: [
      inOne('black-hole', 'failed', 'round-robin', 'least-connections', 2),
      inOne('black-hole', 'failed', 'power-of-two', 'least-connections', 1.3),
      between('failed', ['black-hole-ejected', 'least-connections'], ['black-hole', 'least-connections'], 50),
      between('failed', ['black-hole-ejected', 'power-of-two'], ['black-hole', 'power-of-two'], 50)
    ]
  },
  {
    when: 'Backends come back cold',
    take: 'Take a policy that goes by load, rather than `SLOW_START_MS`.',
    because: 'Slow start is worth a good part of the tail to policies that go by turns alone, nothing to `consistent-hash`, which ' +
      'knows no growing share, and little to those that go by load: these do without it what it cannot do for the others.',
    evidence: [
      between('p99', ['slow-start', 'round-robin'], ['thundering-recovery', 'round-robin'], 1.3),
      between('p99', ['thundering-recovery', 'power-of-two'], ['slow-start', 'round-robin'], 5),
      alike('slow-start', 'consistent-hash', 'thundering-recovery', 'consistent-hash', 'p99'),
      inOne('rolling-deploy', 'p99', 'power-of-two', 'round-robin', 10),
      inOne('half-dies', 'p99', 'power-of-two', 'round-robin', 10)
    ]
  },
  {
    when: 'Any request may be slow, whoever serves it',
    take: 'Set `HEDGING=on`, with a policy that goes by load.',
    because: 'No policy can avoid what may happen anywhere; a second attempt can. It is worth more where backends stop working on what ' +
      'nobody waits for: otherwise each attempt that was given up is load that the gateway does not see any more.',
    evidence: [
      alike('tail', 'power-of-two', 'tail', 'least-connections', 'p99'),
      between('p99', ['tail-hedged', 'power-of-two'], ['tail', 'power-of-two'], 3),
      inOne('tail-hedged', 'p99', 'power-of-two', 'round-robin', 1.5),
      between('p99', ['tail-noticed', 'power-of-two'], ['tail-hedged', 'power-of-two'], 1.1)
    ]
  },
  {
    when: 'More comes than all backends can serve',
    take: 'Do not look for a policy that helps: add backends.',
    because: 'What is too much is too much for each of them. That requests wait in the gateway (`max`) and not at the backends makes no ' +
      'difference either, as long as the backends are alike and the queues equally long.',
    evidence: [
      alike('burst', 'least-connections', 'burst', 'random', 'failed'),
      alike('burst-limited', 'power-of-two', 'burst', 'power-of-two', 'failed'),
      alike('burst-limited', 'power-of-two', 'burst', 'power-of-two', 'p99')
    ]
  }
]

/** That one policy is better than another in a scenario. */
function inOne (scenario: string, metric: string, better: string, worse: string, factor = 1): Evidence {
  return between(metric, [scenario, better], [scenario, worse], factor)
}

function between (metric: string, [scenario, policy]: readonly [string, string], [otherScenario, otherPolicy]: readonly [string, string], factor: number): Evidence {
  return { metric, better: { scenario, policy }, worse: { scenario: otherScenario, policy: otherPolicy }, factor }
}

/** That there is no difference. */
function alike (scenario: string, policy: string, otherScenario: string, otherPolicy: string, metric: string): Evidence {
  return { metric, better: { scenario, policy }, worse: { scenario: otherScenario, policy: otherPolicy }, isAlike: true }
}
