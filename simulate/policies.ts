/** The policies that are compared: the built-in ones, and those of modules that are tried. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ArgumentError } from '../bench/choice.ts'
import { BUILT_IN_POLICIES, policyFaults, type PolicyFactory } from '../src/testing/index.ts'
import type { NamedPolicy, Scenario } from './types.ts'

/** The policy that a module exports as `name` and `factory`. Throws an ArgumentError if it exports none, or one that a gateway could not live with. */
export async function loadPolicy (file: string): Promise<NamedPolicy> {
  const { name, factory } = await exportsOf(file)
  if (typeof name !== 'string' || name === '') throw new ArgumentError(`--plugin ${file}: export the policy's name as "name"`)
  if (!isFactory(factory)) throw new ArgumentError(`--plugin ${file}: export what makes the policy as "factory", a function of its parts`)
  const faults = policyFaults(factory)
  if (faults.length === 0) return { name, factory }
  throw new ArgumentError(`--plugin ${file}: the policy "${name}" does what a gateway cannot live with:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
}

/** Those that are compared in a scenario: the ones that were asked for by name (default: all that say something there), and those that are tried. */
export function policiesFor (scenario: Scenario, names: readonly string[] | undefined, tried: readonly NamedPolicy[]): readonly NamedPolicy[] {
  const wanted = names ?? scenario.policies ?? [...BUILT_IN_POLICIES.keys()]
  const known = new Map([...BUILT_IN_POLICIES, ...tried.map(({ name, factory }) => [name, factory] as const)])
  return [...new Set([...wanted, ...tried.map(({ name }) => name)])].flatMap((name) => {
    const factory = known.get(name)
    return factory === undefined ? [] : [{ name, factory }]
  })
}

/** What a module exports, by name. */
async function exportsOf (file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const loaded: unknown = await import(pathToFileURL(resolve(file)).href)
    return typeof loaded === 'object' && loaded !== null ? { ...loaded } : {}
  } catch (error) {
    throw new ArgumentError(`--plugin ${file}: cannot be loaded: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function isFactory (value: unknown): value is PolicyFactory {
  return typeof value === 'function'
}
