/** JSON that has to be an object. */

export function parseObject (text: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed)) throw new Error(`not an object: ${text}`)
  return parsed
}

function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
