/** The words of the benchmark: peers, scenarios, and what a slice of load gives. */
import type { Process } from './processes.ts'
import type { Site } from './site.ts'

/** What a client speaks to a peer; `https` and `h2` with TLS. */
export type Protocol = 'http' | 'https' | 'h2'

/** What a scenario may ask of a peer beyond answering HTTP/1.1. */
export type Feature = 'forwarding' | 'tls' | 'http2' | 'websocket' | 'many-backends' | 'idle-connections'

/** How one process of a peer is set up. */
export interface Setup {
  readonly protocol: Protocol
  /** `host:port`. */
  readonly backends: readonly string[]
  /** Keys of Fastlancer's configuration; for no other peer. */
  readonly settings: Readonly<Record<string, string>>
}

export interface Running {
  readonly process: Process
  /** At 127.0.0.1. */
  readonly port: number
  /** Those of further processes like it, which came of `process`. */
  readonly otherPorts?: readonly number[]
}

/** Something that is measured beside others. */
export interface Peer {
  readonly name: string
  /** `limit`: no gateway, but a bound on what one could reach. */
  readonly kind: 'gateway' | 'limit'
  /** What it is and how it is set up, a sentence. */
  readonly about: string
  /** Its version, or undefined if it is not on this machine. */
  version (): string | undefined
  /** What it cannot do, each with the reason. */
  readonly lacks: Readonly<Partial<Record<Feature, string>>>
  /** Starts it on the gateways' processor. It need not be ready. */
  start (site: Site, setup: Setup): Promise<Running>
}

/** The backends of an entrant: three that serve files, three that read bodies and speak WebSocket, or a number of addresses. */
export type BackendKind = 'files' | 'bodies' | number

/** A peer as it takes part in a scenario. */
export interface Entrant {
  /** The only one of that name in its scenario. */
  readonly name: string
  readonly peer: Peer
  readonly protocol: Protocol
  readonly backends: BackendKind
  readonly settings: Readonly<Record<string, string>>
}

export interface Missing {
  readonly name: string
  readonly reason: string
}

export interface Field {
  readonly entrants: readonly Entrant[]
  readonly missing: readonly Missing[]
}

/** An entrant that is up. */
export interface Target extends Running {
  readonly entrant: Entrant
  /** `scheme://127.0.0.1:port`. */
  readonly origin: string
}

/** What one slice gave, by the key of the metric; `stolen`: the share of the processors' time that the host kept, 0 to 1. */
export type Sample = Readonly<Record<string, number>>

export interface Metric {
  readonly key: string
  readonly title: string
  readonly digits: number
  /** Which way is better; `none`: it only explains. */
  readonly better: 'more' | 'less' | 'none'
}

/** Which entrant is compared with which; undefined: with none. */
export interface Comparison {
  /** Heading of the ratio, before the metric's title. */
  readonly title: string
  /** What 1 is in the plot. */
  readonly one: string
  pairOf (entrant: string): { readonly over: string, readonly under: string } | undefined
}

/** How much load. */
export interface Load {
  /** Rounds: slices that each entrant gets. */
  readonly rounds: number
  /** Length of a slice, in seconds; fractions are allowed. */
  readonly seconds: number
  /** Length of the load before the first slice, in seconds: Node compiles what is hot meanwhile. */
  readonly warmUpSeconds: number
  /** Takes the place of the scenario's own number of connections. */
  readonly connections?: number | undefined
}

export interface Scenario {
  readonly name: string
  readonly title: string
  /** What is sent and how, in a sentence or more. */
  readonly about: string
  /** The first one is plotted. */
  readonly metrics: readonly Metric[]
  readonly comparison: Comparison
  /** Whether each slice gets a process of its own. */
  readonly isFresh?: boolean
  /** Rounds, where not all that were asked for are worth their time. */
  rounds? (asked: number): number
  field (peers: readonly Peer[]): Field
  /** Before the first round, once an entrant; default: a slice of `warmUpSeconds` that does not count. */
  prepare? (target: Target, site: Site, load: Load): Promise<void>
  /** One slice. */
  measure (target: Target, site: Site, load: Load): Promise<Sample>
}

export interface Result {
  readonly scenario: Scenario
  readonly load: Load
  readonly entrants: readonly string[]
  readonly missing: readonly Missing[]
  /** By entrant; undefined in the place of a round that failed. */
  readonly samples: ReadonlyMap<string, ReadonlyArray<Sample | undefined>>
  /** Slices that were measured again because the host took too much. */
  readonly repeated: number
}
