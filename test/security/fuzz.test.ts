/** A short run of the fuzzer, the same one every time, and the cases that have found something before. `npm run fuzz` goes further. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { fuzz, replay } from './fuzz/fuzzer.ts'

const SEED = 20_261_122
const TIME_MS = 60_000
const CASES = 500

/** Each client has an address of its own in 127.0.0.0/8. */
const skip = process.platform === 'linux' ? false : 'only Linux has all of 127.0.0.0/8'

const exact = { additionalProperties: false }
const Cuts = Type.Array(Type.Integer({ minimum: 0 }))

const KeptCases = Type.Array(Type.Union([
  Type.Object({
    name: Type.String(),
    kind: Type.Literal('requests'),
    attack: Type.Object({ text: Type.String(), cuts: Cuts, isAmbiguous: Type.Boolean() }, exact)
  }, exact),
  Type.Object({
    name: Type.String(),
    kind: Type.Literal('answer'),
    answer: Type.Object({
      method: Type.String(), text: Type.String(), cuts: Cuts, ending: Type.Union([Type.Literal('fin'), Type.Literal('reset'), Type.Literal('late')])
    }, exact)
  }, exact)
]))

t.test('cases that have found something before find nothing any more', { skip }, async (t) => {
  const kept: unknown = JSON.parse(readFileSync(new URL('fuzz-seeds.json', import.meta.url), 'utf8'))
  if (!Value.Check(KeptCases, kept)) throw new Error(JSON.stringify(Value.Errors(KeptCases, kept)))
  const faults = await replay(kept)
  for (const [i, { name }] of kept.entries()) t.strictSame(faults[i], [], name)
})

t.test('made-up requests and answers find nothing', { skip }, async (t) => {
  const { cases, accepted, refused, findings } = await fuzz({ seed: SEED, timeMs: TIME_MS, maxCases: CASES })
  t.strictSame(findings, [], `${cases} cases`)
  t.equal(cases, CASES, 'there was time for all of them')
  t.ok(accepted > cases / 5 && refused > cases / 5, `${accepted} were accepted, ${refused} refused`)
})
