/** The one place where the process's environment is read. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Environment } from './env-schema.ts'

/** The variables of the process over those of a `.env` file in the working directory, if there is one. */
export function readEnvironment (file = '.env'): Environment {
  return { ...readEnvFile(file), ...process.env }
}

function readEnvFile (file: string): Environment {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  return parseEnv(text)
}
