import t from 'tap'
import { routableUrl } from '../../src/client/routable-url.ts'

t.test('what can be decoded stays as it is', async (t) => {
  for (const url of ['/', '/a%2Fb?q=%zz', '/caf%C3%A9', '/%25', '*', 'http://a/%20', '/a#%zz', '/?%']) t.equal(routableUrl(url), url)
})

t.test('a percent sign that encodes nothing is encoded itself, in the path alone', async (t) => {
  t.equal(routableUrl('/100%'), '/100%25')
  t.equal(routableUrl('/%zz?a=%zz'), '/%25zz?a=%zz')
  t.equal(routableUrl('/%%41'), '/%25%41')
})

t.test('bytes that are no UTF-8 are encoded once more, and nothing else of the path changes', async (t) => {
  t.equal(routableUrl('/adm%69n/%ff'), '/adm%69n/%25ff')
  t.equal(routableUrl('/%E0%A4%A/x%20y'), '/%25E0%25A4%25A/x%20y')
})

t.test('the result can always be decoded', async (t) => {
  const pieces = ['%', '%2', '%41', '%ff', '%C3%A9', '%e0%a4', 'a', '/', '%%', '%zz']
  for (const one of pieces) {
    for (const two of pieces) {
      for (const three of pieces) t.doesNotThrow(() => decodeURIComponent(routableUrl(`/${one}${two}${three}`)), `/${one}${two}${three}`)
    }
  }
})
