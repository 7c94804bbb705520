/** What the load notes of a request, and how it tells it to the run: a line each. */

export interface Sample {
  /** When it was sent, on the clock of chaos/times.ts. */
  readonly begunMs: number
  readonly tookMs: number
  /** Who answered; empty if nobody did, or wrongly. */
  readonly backend: string
  /** What went wrong, a word: a status, the code of an error, `cut`, `wrong-body`, `unanswered`. Empty: nothing. */
  readonly fault: string
}

/** In the place of an empty word. */
const NOTHING = '-'

export function writeSample ({ begunMs, tookMs, backend, fault }: Sample): string {
  return `${begunMs.toFixed(2)} ${tookMs.toFixed(2)} ${backend === '' ? NOTHING : backend} ${fault === '' ? NOTHING : fault}\n`
}

/** Reads any number of lines; throws at one that is no sample. */
export function readSamples (text: string): Sample[] {
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const [begunMs, tookMs, backend, fault] = line.split(' ')
    if (fault === undefined || backend === undefined || !isNumber(begunMs) || !isNumber(tookMs)) throw new Error(`the load told what is no sample: "${line}"`)
    return { begunMs: Number(begunMs), tookMs: Number(tookMs), backend: wordOf(backend), fault: wordOf(fault) }
  })
}

function isNumber (text: string | undefined): boolean {
  return text !== undefined && /^\d+\.\d+$/.test(text)
}

function wordOf (text: string): string {
  return text === NOTHING ? '' : text
}
