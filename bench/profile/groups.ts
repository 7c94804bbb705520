/** A profile of the processor's time, added up by who spent it. */

/** The part of a `.cpuprofile` that is read here. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{ readonly id: number, readonly callFrame: { readonly functionName: string, readonly url: string } }>
  /** The node in which each sample was taken. */
  readonly samples?: readonly number[]
  /** Time from the sample before, in us. */
  readonly timeDeltas?: readonly number[]
}

export interface GroupTime {
  readonly group: string
  readonly micros: number
}

/** Functions of V8 and Node that are not JavaScript, by what they mean here. */
const NATIVE: ReadonlyMap<string, string> = new Map([
  ['(program)', 'reading, polling and parsing requests outside of JavaScript (kernel, libuv, llhttp)'],
  ['(garbage collector)', 'garbage collection'],
  ['writeLatin1String', 'writing requests to backends (kernel)'],
  ['writeUtf8String', 'writing answers to clients (kernel)'],
  ['writeBuffer', 'writing bodies (kernel)'],
  ['writev', 'writing bodies (kernel)']
])

/** Not the gateway's doing. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['(idle)', '(root)'])

const OTHER_NATIVE = 'other functions of V8 and Node outside of JavaScript'

/** By the beginning of what a file is called; the first that fits. */
const FILES: ReadonlyArray<readonly [pattern: RegExp, group: string]> = [
  [/^node:inspector/, 'the profile itself'],
  [/^node:_http/, 'Node: HTTP server'],
  [/^node:(?:events|internal\/(?:process|timers|async_hooks))/, 'Node: events, ticks, timers'],
  [/^node:(?:net|internal\/(?:streams|stream_base_commons))/, 'Node: sockets and streams'],
  [/^node:/, 'Node: the rest'],
  [/\/node_modules\/find-my-way\//, 'Fastify: router'],
  [/\/node_modules\/(?:fastify|@fastify)\//, 'Fastify: hooks, request, reply'],
  [/\/node_modules\/(?:pino|thread-stream|sonic-boom)\//, 'logger'],
  [/\/node_modules\//, 'other packages']
]

/** The time of each group, most first, in us. Files of ours in `root` are grouped by their folders. */
export function timesByGroup (profile: CpuProfile, root: string): GroupTime[] {
  const groups = new Map(profile.nodes.map(({ id, callFrame: { functionName, url } }) => [id, groupOf(functionName, url, root)]))
  const times = new Map<string, number>()
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const group = groups.get(id)
    if (group !== undefined) times.set(group, (times.get(group) ?? 0) + (profile.timeDeltas?.[index] ?? 0))
  }
  return [...times].map(([group, micros]) => ({ group, micros })).toSorted((a, b) => b.micros - a.micros)
}

function groupOf (functionName: string, url: string, root: string): string | undefined {
  if (NOT_COUNTED.has(functionName)) return undefined
  if (url === '') return NATIVE.get(functionName) ?? OTHER_NATIVE
  const known = FILES.find(([pattern]) => pattern.test(url))
  if (known !== undefined) return known[1]
  const own = /^(plugins|src\/\w+)/.exec(url.split(`${root}/`)[1] ?? '')?.[1]
  return own === undefined ? 'other files' : `Fastlancer: ${own}`
}
