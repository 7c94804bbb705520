/** The configuration keys as people read them: `.env.example` and the README's table, both made from the schema. */
import { allowedValues, CONFIG_KEYS, type ConfigKey, schemaRules } from './env-schema.ts'

const ENV_EXAMPLE_HEAD = [
  '# The configuration of Fastlancer, each key with its default. Copy it to .env, or set the same names in the environment,',
  '# which goes before .env. Made by "npm run generate": change src/config/env-schema.ts instead.'
].join('\n')

const BEGIN_MARK = '<!-- config:begin -->'
const END_MARK = '<!-- config:end -->'

/** The text of `.env.example`: a file that works as it is. */
export function renderEnvExample (): string {
  const blocks = CONFIG_KEYS.map((key) => `# ${meaning(key)}\n# Allowed: ${allowedValues(key)}.\n${key}=${defaultText(key)}`)
  return `${[ENV_EXAMPLE_HEAD, ...blocks].join('\n\n')}\n`
}

/** The keys as a Markdown table. */
export function renderConfigTable (): string {
  const rows = CONFIG_KEYS.map((key) => [`\`${key}\``, codeOrNone(defaultText(key)), allowedValues(key), meaning(key)])
  return [['Name', 'Default', 'Allowed', 'Meaning'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`)
    .join('\n')
}

/** `markdown` with `table` between its two marks. Throws if a mark is missing. */
export function insertConfigTable (markdown: string, table: string): string {
  const begin = markdown.indexOf(BEGIN_MARK)
  const end = markdown.indexOf(END_MARK)
  if (begin === -1 || end < begin) throw new Error(`The marks ${BEGIN_MARK} and ${END_MARK} are missing, or in the wrong order`)
  return `${markdown.slice(0, begin + BEGIN_MARK.length)}\n${table}\n${markdown.slice(end)}`
}

function meaning (key: ConfigKey): string {
  return String(schemaRules(key).get('description'))
}

function defaultText (key: ConfigKey): string {
  return String(schemaRules(key).get('default'))
}

function codeOrNone (text: string): string {
  return text === '' ? 'none' : `\`${text}\``
}

/** A bar would end the cell. */
function escapeCell (text: string): string {
  return text.replaceAll('|', '\\|')
}
