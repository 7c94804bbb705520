/** Text in lines that can be read where it is not rendered. */

const WIDTH = 140

/** The same words in lines of up to 140 characters, or of one word that is longer. */
export function wrapped (text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
