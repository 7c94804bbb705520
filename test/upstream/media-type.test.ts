import t from 'tap'
import { isMediaType } from '../../src/upstream/media-type.ts'

t.test('a type and a subtype are a media type, with parameters or without', async (t) => {
  const types = [
    'text/plain', 'TEXT/HTML', 'text/html; charset=utf-8', 'text/html;charset=utf-8', 'text/html ;q=1', 'text/plain;', ' text/plain ',
    'application/vnd.api+json', 'image/svg+xml', 'x-a/y_b', "a!#$%&'*+.^_`|~-/b!#$%&'*+.^_`|~-", 'multipart/form-data; boundary="a b/c"'
  ]
  for (const type of types) t.ok(isMediaType(type), type)
})

t.test('anything else is none', async (t) => {
  const others = [
    '', ' ', 'text', 'text/', '/plain', '/', 'text/plain/x', 'text plain', 'text /plain', 'text/ plain', 'text/plain charset=utf-8', 'text/plain, text/html',
    ';text/plain', 'text/plä', '"text"/plain', 'text\\plain', 'text/(plain)', 'null', '*'
  ]
  for (const other of others) t.notOk(isMediaType(other), other)
})

t.test('no Content-Type is none', async (t) => {
  t.notOk(isMediaType(undefined))
})
