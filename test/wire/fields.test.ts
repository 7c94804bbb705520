import t, { type Test } from 'tap'
import { assertCleanLines, linesOf, listMembers, readFieldLines } from '../../src/wire/fields.ts'
import { MessageFault } from '../../src/wire/message-fault.ts'

/** RFC 9110, section 5.6.2, written out. */
const TOKEN_CHARACTERS = '!#$%&\'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Every byte as a character. */
const BYTES = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))

function read (text: string, start = 0): string[] {
  const fields: string[] = []
  readFieldLines(linesOf(text), start, text.length, { field: ({ lower }, value) => { fields.push(lower, value) } })
  return fields
}

function refuses (t: Test, act: () => unknown, message: string): void {
  t.throws(act, MessageFault, message)
}

t.test('of all bytes only the control characters are refused in a line, and the tab is none of them', async (t) => {
  for (const [code, character] of BYTES.entries()) {
    const text = `x-a: a${character}b\r\n`
    const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f
    if (isControl) refuses(t, () => assertCleanLines(text), `byte ${code}`)
    else t.doesNotThrow(() => assertCleanLines(text), `byte ${code}`)
  }
})

t.test('a CR and a LF stand only as each other\'s half', async (t) => {
  for (const text of ['', '\r\n', '\r\n\r\n', 'a: b\r\n', 'a: b\r\nc: d\r\n\r\n']) t.doesNotThrow(() => assertCleanLines(text), JSON.stringify(text))
  for (const text of ['\n', '\r', 'a: b\n', 'a: b\r', 'a: b\r\r\n', 'a: b\r\n\n', '\n\r', 'a: b\n\r\n', '\n\r\n', 'a: b\r\nc: d\n\r\n', 'a\rb: c\r\n']) {
    refuses(t, () => assertCleanLines(text), JSON.stringify(text))
  }
})

t.test('field lines are read in order, with names in lower case', async (t) => {
  const cases: ReadonlyArray<readonly [text: string, fields: readonly string[]]> = [
    ['', []],
    ['\r\n', []],
    ['A: b\r\n', ['a', 'b']],
    ['A: b\r\n\r\n', ['a', 'b']],
    ['Content-TYPE: Text/HTML\r\n', ['content-type', 'Text/HTML']],
    ['b: 2\r\nA: 1\r\nb: 3\r\n\r\n', ['b', '2', 'a', '1', 'b', '3']],
    ['x:a:b: c\r\n', ['x', 'a:b: c']],
    ['x:\r\ny: \r\n', ['x', '', 'y', '']]
  ]
  for (const [text, fields] of cases) t.strictSame(read(text), fields, JSON.stringify(text))
})

t.test('they are read from the start that is given, up to the empty line', async (t) => {
  t.strictSame(read('HTTP/1.1 200 OK\r\na: 1\r\n\r\nb: 2\r\n', 17), ['a', '1'])
  t.strictSame(read('a: 1\r\n\r\nno field line at all'), ['a', '1'])
  t.strictSame(read('a: 1\r\n', 6), [])
})

t.test('blanks and tabs around a value are no part of it; those within it, and every other byte, are', async (t) => {
  const cases: ReadonlyArray<readonly [written: string, value: string]> = [
    ['b', 'b'], [' b', 'b'], ['b ', 'b'], [' \t b \t ', 'b'], [' \t ', ''], [' b  c\td ', 'b  c\td'],
    [' \u00a0b\u00a0 ', '\u00a0b\u00a0'], [' caf\u00e9 ', 'caf\u00e9'], [' "b " ', '"b "']
  ]
  for (const [written, value] of cases) t.strictSame(read(`a:${written}\r\n`), ['a', value], JSON.stringify(written))
})

t.test('a name consists of the characters of a token, and of no other', async (t) => {
  for (const character of BYTES) {
    // The first colon ends the name.
    if (character === ':') continue
    for (const name of [character, `a${character}`, `${character}b`, `a${character}b`]) {
      const text = `${name}: v\r\n`
      if (TOKEN_CHARACTERS.includes(character)) t.strictSame(read(text), [name.toLowerCase(), 'v'], JSON.stringify(name))
      else refuses(t, () => read(text), JSON.stringify(name))
    }
  }
})

t.test('a line that folds the one before, has no name, no colon or no end is refused', async (t) => {
  const lines = [
    ' folded', '\tfolded', ' folded: again', '\tfolded: again', ': b', ' : b', 'a : b', 'a\t: b', ' a: b', 'a b: c', 'a', 'a b', '"a": b', 'a,b: c', '(a): b'
  ]
  for (const line of lines) {
    refuses(t, () => read(`x: 1\r\n${line}\r\n\r\n`), JSON.stringify(line))
    refuses(t, () => read(`${line}\r\nx: 1\r\n\r\n`), `${JSON.stringify(line)} comes first`)
  }
  for (const text of ['a: b', 'a: b\r\nc: d', 'a: b\r']) refuses(t, () => read(text), JSON.stringify(text))
})

t.test('a colon of a later line is none of this one', async (t) => {
  refuses(t, () => read('a\r\nb: c\r\n'), 'the colon is the next line\'s')
})

t.test('a name that was refused once is refused again, one that was taken is taken again', async (t) => {
  for (let i = 0; i < 3; i++) {
    refuses(t, () => read('bad name: 1\r\n'), `time ${i}`)
    t.strictSame(read('Good-Name: 1\r\n'), ['good-name', '1'])
  }
})

t.test('any number of names can come, of any length', async (t) => {
  for (let i = 0; i < 3_000; i++) {
    const name = `X-${i}`
    if (read(`${name}: ${i}\r\n`)[0] !== name.toLowerCase()) t.fail(name)
  }
  const long = 'Long-'.repeat(2_000)
  t.strictSame(read(`${long}: 1\r\n`), [long.toLowerCase(), '1'])
  refuses(t, () => read(`${long} : 1\r\n`), 'and is no less strictly looked at')
  refuses(t, () => read('new name: 1\r\n'), 'nor is a new one')
})

t.test('the members of a list are in lower case, without blanks and empty ones', async (t) => {
  const cases: ReadonlyArray<readonly [value: string, members: readonly string[]]> = [
    ['', []], [' ', []], [',', []], [' , ,, ', []],
    ['close', ['close']], ['Close', ['close']], [' close ', ['close']],
    ['keep-alive, X-Hop', ['keep-alive', 'x-hop']], ['a,b ,\tc,,d', ['a', 'b', 'c', 'd']], ['a a', ['a a']]
  ]
  for (const [value, members] of cases) t.strictSame(listMembers(value), members, JSON.stringify(value))
})
