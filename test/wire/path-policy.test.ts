import t from 'tap'
import { isAmbiguousPath } from '../../src/wire/path-policy.ts'

t.test('an encoded NUL or a backslash makes a path ambiguous, wherever it stands', async (t) => {
  for (const part of ['%00', '\\', '%5c', '%5C']) {
    for (const target of [`/${part}`, `/a${part}b`, `/a/${part}/b`, `/a;${part}`, `/a${part}?b=c`, `/..a${part}`]) {
      t.equal(isAmbiguousPath(target), true, target)
    }
  }
})

t.test('a dot segment makes a path ambiguous, however its dots and separators are written', async (t) => {
  for (const dots of ['.', '%2e', '%2E', '..', '.%2e', '%2E.', '%2e%2E']) {
    for (const before of ['/', '/a/', '//', '/a%2f', '/a%2F', '/.../', '/;/']) {
      for (const behind of ['', '/', '/b', '%2fb', '%2F', '\\b', ';', ';a=b', ';a=b/c', '%3b', '%3Ba/c', '?', '?b', ';?b', '#', '#b']) {
        t.equal(isAmbiguousPath(before + dots + behind), true, before + dots + behind)
      }
    }
  }
})

t.test('dots that are not a whole segment, encoded separators and broken encodings are no matter of ambiguity', async (t) => {
  const targets = [
    '/', '//', '///', '/a', '/a/b/', '/a..b', '/..a', '/a..', '/.a', '/a.', '/...', '/....', '/.../', '/%2e%2e%2e', '/%2e..', '/.well-known/x', '/..well',
    '/a%2fb', '/a%2Fb', '/%zz', '/%', '/%2', '/%2/', '/%e2e', '/%252e%252e/', '/%2500', '/%255c', '/a;b', '/a;../b', '/a%3b..', '/a;.', '/%3b..',
    '/.%2', '/.%', '/..%20', '/..%3', '/..%2g/', '/..%3a', '/..,/', '/..:', '/%0', '/%01', '/%5b', '/%5', '*', ''
  ]
  for (const target of targets) t.equal(isAmbiguousPath(target), false, target)
})

t.test('nothing in a query makes a path ambiguous', async (t) => {
  for (const query of ['..', '/..', '/../', '%00', '\\', '%5c', '/%2e%2e/', 'a=/.', '?/..', '#/../']) {
    for (const path of ['/', '/a', '/a..', '/.well-known/x', '/...', '/a/']) t.equal(isAmbiguousPath(`${path}?${query}`), false, `${path}?${query}`)
  }
})

t.test('a first segment counts without a separator before it', async (t) => {
  for (const target of ['.', '..', '../a', '%2e;a']) t.equal(isAmbiguousPath(target), true, target)
})

t.test('random targets are judged as a slow reading of the rules judges them', async (t) => {
  const parts = [
    '/', '/', '/', '.', '.', '.', '%2e', '%2E', '%2f', '%2F', '\\', '%5c', '%5C', '%00', ';', '%3b', '%3B', '?', '#',
    'a', '%', '2', 'e', 'f', '0', '5', '%25', '%zz', '='
  ]
  const random = seeded(20_240_607)
  const found = { ambiguous: 0, harmless: 0 }
  for (let i = 0; i < 100_000; i++) {
    let target = '/'
    for (let left = Math.floor(random() * 9); left > 0; left--) target += parts[Math.floor(random() * parts.length)]
    const expected = isAmbiguousRead(target)
    found[expected ? 'ambiguous' : 'harmless']++
    if (isAmbiguousPath(target) !== expected) t.fail(`${target} should be ${expected ? 'ambiguous' : 'harmless'}`)
  }
  t.ok(found.ambiguous > 10_000 && found.harmless > 10_000, JSON.stringify(found))
})

/** Decodes what can be decoded once, then takes the path apart. */
function isAmbiguousRead (target: string): boolean {
  const [path = ''] = target.split('?')
  const meant = new Map([['00', '\0'], ['2e', '.'], ['2f', '/'], ['3b', ';'], ['5c', '\\']])
  let decoded = ''
  for (let at = 0; at < path.length; at++) {
    const digits = path.slice(at + 1, at + 3).toLowerCase()
    if (path[at] === '%' && /^[0-9a-f]{2}$/.test(digits)) {
      decoded += meant.get(digits) ?? 'x'
      at += 2
    } else {
      decoded += path[at]
    }
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return true
  return decoded.split('/').some((segment) => ['.', '..'].includes(segment.split(/[;#]/)[0] ?? ''))
}

/** Numbers from 0 to 1, the same ones for a seed. */
function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
