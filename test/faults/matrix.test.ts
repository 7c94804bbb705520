/** Plays every cell of the fault matrix: each point of an exchange, each side, each fault. */
import t from 'tap'
import { scenario } from '../helper.ts'
import { playBackendCell } from './backend-faults.ts'
import { BACKEND_CELLS, BACKEND_POINTS, CLIENT_CELLS, CLIENT_POINTS, FAULTS } from './cells.ts'
import { playClientCell } from './client-faults.ts'

/** More than tap gives a file by itself: a machine may be busy. */
const TIMEOUT_MS = 90_000

t.setTimeout(TIMEOUT_MS)

for (const cell of BACKEND_CELLS) {
  scenario(`a backend that fails ${BACKEND_POINTS[cell.at]}: ${FAULTS[cell.fault]}`, async (s, t) => {
    const [idempotent, post, alone] = await Promise.all([playBackendCell(s, cell, 'idempotent', true), playBackendCell(s, cell, 'post', true), playBackendCell(s, cell, 'idempotent', false)])
    for (const [kind, { failed, ...outcome }] of [['idempotent', idempotent], ['post', post]] as const) {
      t.strictSame(outcome, cell[kind], kind)
      t.equal(failed.length, cell.log === undefined ? 0 : 1, `lines "proxy error" (${kind})`)
      const [code, cause] = failed[0] ?? []
      if (cell.log === undefined) continue
      t.equal(code, cell.log[0], kind)
      t.ok(String(cause).includes(cell.log[1]), `${String(cause)} (${kind})`)
    }
    t.equal(alone.client, cell.alone, 'without another backend')
  })
}

for (const cell of CLIENT_CELLS) {
  scenario(`a client that fails ${CLIENT_POINTS[cell.at]}: ${FAULTS[cell.fault]}`, async (s, t) => {
    const { at: _at, fault: _fault, why: _why, ...expected } = cell
    t.strictSame(await playClientCell(s, cell), expected)
  })
}

t.test('there is an entry for each point and each fault', async (t) => {
  const cells = [...BACKEND_CELLS.map(({ at, fault }) => `backend ${at} ${fault}`), ...CLIENT_CELLS.map(({ at, fault }) => `client ${at} ${fault}`)]
  const played = new Set(cells)
  t.equal(played.size, cells.length, 'none twice')
  const faults = ['reset', 'end', 'stall', 'garbage'] as const
  // Of a body that ends with the connection nothing is garbage; a kept connection that is used has the rest in the points before it.
  const left = new Set(['close garbage', 'stale stall', 'stale garbage'])
  for (const fault of faults) {
    for (const at of Object.keys(BACKEND_POINTS)) t.equal(played.has(`backend ${at} ${fault}`), !left.has(`${at} ${fault}`), `${at} ${fault}`)
    for (const at of Object.keys(CLIENT_POINTS)) t.ok(played.has(`client ${at} ${fault}`), `${at} ${fault}`)
  }
})
