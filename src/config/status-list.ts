/** Lists of statuses in the configuration, such as `200,204` or `2xx,304`: statuses of final answers, and classes of them. */

/** A status (200 to 999: what comes before a final answer has none of its own) or a class (2xx to 5xx). */
const MEMBER = '(?:[2-9][0-9]{2}|[2-5][xX]{2})'

/** A list with a member at least, for a JSON Schema. Blanks around members are allowed. */
export const STATUSES_PATTERN = `^ *${MEMBER}(?: *, *${MEMBER})* *$`

/** A list that may be empty. */
export const STATUSES_OR_NONE_PATTERN = `^ *(?:${MEMBER}(?: *, *${MEMBER})*)? *$`

const CLASS_SIZE = 100

/** The statuses of a list that the pattern allows, each once, in rising order. */
export function parseStatuses (text: string): readonly number[] {
  const members = text.split(',').map((member) => member.trim()).filter((member) => member !== '')
  return [...new Set(members.flatMap(statusesOf))].toSorted((a, b) => a - b)
}

function statusesOf (member: string): number[] {
  if (!/x/i.test(member)) return [Number(member)]
  const first = Number(member.charAt(0)) * CLASS_SIZE
  return Array.from({ length: CLASS_SIZE }, (_, index) => first + index)
}
