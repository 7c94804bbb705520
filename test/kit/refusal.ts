/** What is said of arguments that are refused. */
import { ArgumentError } from '../../bench/choice.ts'

/** The message; `taken` if they are not refused. */
export function refusalOf (read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof ArgumentError) return error.message
    throw error
  }
  return 'taken'
}
