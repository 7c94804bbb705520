/**
 * `npm run bench:quick`: Fastlancer against nginx and @fastify/http-proxy in under two minutes. Prints a table that fits
 * into a commit message, writes nothing.
 *
 *   npm run bench:quick -- --base DIR    measures the checkout in DIR beside it, and compares with that
 */
import { parseArgs } from 'node:util'
import { runScenario } from './measure.ts'
import { fastlancer, fastlancerPeer } from './peers/fastlancer.ts'
import { nginx } from './peers/nginx.ts'
import { httpProxy } from './peers/node.ts'
import { stepAside } from './processes.ts'
import { failures, resultTable } from './report/table.ts'
import { answers1m } from './scenarios/download.ts'
import { small } from './scenarios/small.ts'
import { Site } from './site.ts'
import { assertTools } from './tools.ts'

const ROUNDS = { small: 10, large: 4 }
const SECONDS = 1
const WARM_UP_SECONDS = 5

const { values: { base } } = parseArgs({ options: { base: { type: 'string' } } })
const peers = [fastlancer, ...base === undefined ? [] : [fastlancerPeer('base', base)], httpProxy, nginx]

assertTools()
stepAside()
const site = new Site()
console.log(peers.map((peer) => `${peer.name} ${peer.version() ?? 'is missing'}`).join(', '))
for (const [scenario, rounds] of [[small, ROUNDS.small], [answers1m, ROUNDS.large]] as const) {
  const result = await runScenario(site, scenario, peers, { rounds, seconds: SECONDS, warmUpSeconds: WARM_UP_SECONDS }, () => {})
  console.log(`\n${scenario.title}, ${rounds} rounds of ${SECONDS} s; median (quartiles)\n\n${resultTable(result)}`)
  const failed = failures(result)
  if (failed !== undefined) console.log(failed)
}
