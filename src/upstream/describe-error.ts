/** An error in a few words for a log line: its code, unless the message has it, and the message. */
export function describeError (error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const text = messageOf(error)
  return code === '' || text.includes(code) ? text : `${code}: ${text}`
}

/** A name with several addresses (localhost) fails with an error that has no text of its own, but one an address. */
function messageOf (error: Error): string {
  if (error.message !== '') return error.message
  const parts: unknown[] = error instanceof AggregateError ? error.errors : []
  const texts = parts.filter((part) => part instanceof Error).map((part) => part.message)
  return texts.length > 0 ? texts.join('; ') : error.name
}
