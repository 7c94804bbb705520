import t from 'tap'
import { nginxServer } from '../../chaos/backends/field.ts'
import { backendOf, bodyOf } from '../../chaos/body.ts'

t.test('a body tells its backend to whoever asked for its path', async (t) => {
  t.equal(backendOf(bodyOf('b1', '/items/3'), '/items/3'), 'b1')
})

t.test('the answer to another request is nobody\'s', async (t) => {
  t.equal(backendOf(bodyOf('b1', '/items/3'), '/items/33'), undefined)
})

t.test('a body that is cut, goes on or is something else is nobody\'s', async (t) => {
  const body = bodyOf('b1', '/')
  for (const wrong of [body.slice(0, -1), `${body} `, body.replace('xx', 'xy'), '', 'Bad Gateway', body.slice(2)]) t.equal(backendOf(wrong, '/'), undefined)
})

t.test('nginx is told to answer with the same body', async (t) => {
  const [, text = ''] = /location \/ \{ return 200 "(.*)"; \}/.exec(nginxServer('b2', 80)) ?? []
  t.equal(text.replaceAll('\\n', '\n').replace('$request_uri', '/items/7'), bodyOf('b2', '/items/7'))
})
