/** The one place where the process's environment is read, and the `.env` file beneath it. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Environment } from './env-schema.ts'

/** A file that is not there has no variables and no fault. */
export interface EnvFile {
  readonly variables: Environment
  /** Why nothing of it could be read, in a sentence. */
  readonly fault?: string
}

/** Reads a `.env` file; default: the one in the working directory. Throws nothing. */
export function readEnvFile (file = '.env'): EnvFile {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENOENT') return { variables: {} }
    return { variables: {}, fault: `${file}: cannot be read (${code}): make it a file that this user may read, or remove it` }
  }
  // Editors may begin a file with a byte order mark, which would be taken for a part of the first key: the decoder drops it.
  const text = new TextDecoder().decode(bytes)
  if (text.includes('\0')) return { variables: {}, fault: `${file}: is not a text in UTF-8: save it as one` }
  return { variables: parseEnv(text) }
}

/** The variables of the process over those of `envFile`. */
export function readEnvironment ({ variables }: EnvFile = readEnvFile()): Environment {
  return { ...variables, ...process.env }
}
