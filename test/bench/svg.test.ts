import t from 'tap'
import { plot } from '../../bench/report/plot.ts'
import { barChart } from '../../bench/report/svg.ts'
import { madeResult } from './made-result.ts'

/** Names of elements that are open at the end of `xml`, or what is wrong with it. */
function wellFormed (xml: string): string {
  const open: string[] = []
  for (const [tag, close, name = '', empty] of xml.matchAll(/<(\/?)([a-z]+)(?: [a-zA-Z-]+="[^"<>]*")*(\/?)>/g)) {
    if (close === '/' && open.pop() !== name) return `${tag} closes nothing`
    if (close === '' && empty === '') open.push(name)
  }
  const rest = xml.replaceAll(/<\/?[a-z]+(?: [a-zA-Z-]+="[^"<>]*")*\/?>/g, '')
  if (/[<>]/.test(rest)) return `not markup: ${rest}`
  if (/&(?!amp;|lt;|gt;|quot;)/.test(xml)) return 'an & that is no entity'
  return open.join(' ')
}

const BAR = { value: 1, low: 0.9, high: 1.2, isOurs: false }

t.test('a chart is well-formed, whatever its labels hold', async (t) => {
  const svg = barChart({ title: 'a < b & "c"', caption: '<script>', bars: [{ ...BAR, label: 'x & <y>' }, { ...BAR, label: 'z', isOurs: true }], digits: 2, line: 1 })
  t.equal(wellFormed(svg), '')
  t.match(svg, '&lt;script&gt;')
})

t.test('a bar has a whisker from quartile to quartile', async (t) => {
  const svg = barChart({ title: 't', caption: 'c', bars: [{ ...BAR, label: 'a', low: 0.5, high: 1 }], digits: 2 })
  // The scale ends at 1: 480 units behind the labels.
  t.match(svg, /class="whisker" d="M450\.0 65H690\.0/)
})

t.test('a value without a spread has no whisker, one that is no number no bar', async (t) => {
  const svg = barChart({ title: 't', caption: 'c', bars: [{ ...BAR, label: 'a', low: NaN, high: NaN }, { ...BAR, label: 'b', value: NaN }], digits: 2 })
  t.notMatch(svg, 'class="whisker"')
  t.equal(svg.split('<rect').length - 1, 1)
  t.notMatch(svg, 'NaN')
})

t.test('a chart can be read on light and on dark, and brings no script', async (t) => {
  const svg = barChart({ title: 't', caption: 'c', bars: [{ ...BAR, label: 'a' }], digits: 2 })
  t.match(svg, 'prefers-color-scheme: dark')
  t.notMatch(svg, '<script')
})

t.test('a result is plotted against Fastlancer, which is 1', async (t) => {
  const svg = plot(madeResult({ rates: { Fastlancer: [100, 100, 100], nginx: [200, 250, 300] } })) ?? ''
  t.equal(wellFormed(svg), '')
  t.match(svg, '>2.50</text>')
  t.match(svg, 'class="bar ours"')
  t.match(svg, 'Small &amp; fast')
})

t.test('nothing is plotted where there is nothing to compare', async (t) => {
  t.equal(plot(madeResult({ rates: { Fastlancer: [100] } })), undefined)
})
