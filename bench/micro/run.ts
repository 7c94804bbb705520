/** `npm run bench:micro`: what the hot functions cost, in time and in garbage. */
import { spreadText, table } from '../report/table.ts'
import { measure, type Subject } from './harness.ts'
import { pick } from './pick.ts'
import { requestHeads } from './request.ts'
import { responseHeads } from './response.ts'
import { retry } from './retry.ts'

if (globalThis.gc === undefined) throw new Error('start it as "npm run bench:micro": it needs --expose-gc and a large young generation')

/** What a call costs that does nothing. */
const NOTHING: Subject = { name: 'an empty function', run: () => undefined }

const rows: string[][] = []
for (const subject of [NOTHING, ...pick, ...requestHeads, ...responseHeads, ...retry]) {
  const { name, nanos, bytes } = await measure(subject)
  rows.push([name, spreadText(nanos, 1), spreadText(bytes, 0)])
}
console.log(`Node ${process.version}; median (quartiles)\n\n${table(['function', 'ns/call', 'bytes/call'], rows)}`)
