/** Advice as text, with the figures of the run beside it, and whether they bear it out. */
import type { SimulationResult } from '../../src/testing/index.ts'
import { ADVICE, type Advice, type Evidence, type Place } from '../advice.ts'
import type { Played } from '../types.ts'
import { type Metric, metricOf, valueText } from './metrics.ts'
import { wrapped } from './wrapped.ts'

const INTRODUCTION = `## Which policy should I take?

In a line: **\`power-of-two\`, unless one of these is your case.** Each piece of advice is followed by the figures of this run that it rests on;
the scenarios are below.`

/** Two figures that differ by no more than this share of the larger one make no difference. */
const ALIKE = 0.1

/** All advice, if the whole of what it rests on was played; otherwise nothing. */
export function adviceText (played: readonly Played[]): string {
  const places = ADVICE.flatMap(({ evidence }) => evidence.flatMap(({ better, worse }) => [better, worse]))
  if (places.some((place) => resultAt(played, place) === undefined)) return ''
  return `${INTRODUCTION}\n\n${ADVICE.map((advice) => adviceParagraph(played, advice)).join('\n\n')}\n\n`
}

/** The evidence that this run does not bear out, as text; what was not played is passed over. */
export function contradictions (played: readonly Played[]): string[] {
  return ADVICE.flatMap(({ evidence }) => evidence).filter((one) => isBorneOut(played, one) === false).map((one) => figures(played, one))
}

function adviceParagraph (played: readonly Played[], { when, take, because, evidence }: Advice): string {
  const lines = evidence.map((one) => `- ${figures(played, one)}${isBorneOut(played, one) === false ? ' (**this run does not bear it out**)' : ''}`)
  return `### ${when}\n\n${wrapped(`**${take}** ${because}`)}\n\n${lines.join('\n')}`
}

function figures (played: readonly Played[], { metric: name, better, worse }: Evidence): string {
  const metric = metricOf(name)
  const [good, bad] = [textAt(played, better, metric), textAt(played, worse, metric)]
  if (better.scenario === worse.scenario) return `\`${better.scenario}\`, ${metric.title}: ${good} with ${better.policy}, ${bad} with ${worse.policy}`
  return `${metric.title}: ${good} with ${better.policy} in \`${better.scenario}\`, ${bad} with ${worse.policy} in \`${worse.scenario}\``
}

function textAt (played: readonly Played[], place: Place, metric: Metric): string {
  const result = resultAt(played, place)
  return result === undefined ? '?' : valueText(metric, result)
}

/** Whether the one is by so much better as was said, or as good; undefined if one of them was not played. */
function isBorneOut (played: readonly Played[], { metric: name, better, worse, factor = 1, isAlike = false }: Evidence): boolean | undefined {
  const metric = metricOf(name)
  const [good, bad] = [resultAt(played, better), resultAt(played, worse)]
  if (good === undefined || bad === undefined) return undefined
  if (isAlike) return Math.abs(metric.of(good) - metric.of(bad)) <= ALIKE * Math.max(metric.of(good), metric.of(bad))
  return metric.better === 'more' ? metric.of(good) > factor * metric.of(bad) : factor * metric.of(good) < metric.of(bad)
}

function resultAt (played: readonly Played[], { scenario, policy }: Place): SimulationResult | undefined {
  return played.find((one) => one.scenario.name === scenario)?.results.find((result) => result.policy === policy)
}
