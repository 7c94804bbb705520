/** Versions of what is on this machine. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../site.ts'

/** What the group of `pattern` finds in the output of a command; undefined if there is no such command. */
export function firstMatch (command: string, args: readonly string[], pattern: RegExp): string | undefined {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } })
  if (error !== undefined) return undefined
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown'
}

/** The version of an installed package; undefined if it is not installed. */
export function packageVersion (name: string): string | undefined {
  return versionIn(join(ROOT, 'node_modules', name, 'package.json'))
}

/** The version that a package.json says. */
export function versionIn (file: string): string | undefined {
  try {
    return /"version":\s*"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
