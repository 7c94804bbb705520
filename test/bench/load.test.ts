import t from 'tap'
import { loopbackAddresses } from '../../bench/backends.ts'
import { readH2load } from '../../bench/load/h2load.ts'
import { readWrk } from '../../bench/load/wrk.ts'

const WRK = `Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.20ms    1.02ms  20.11ms   93.10%
    Req/Sec    20.12k     1.50k   22.00k    70.00%
  20123 requests in 500.00ms, 2.50MB read
`

t.test('the report of wrk is read', async (t) => {
  t.match(readWrk(WRK), { requests: 20_123, seconds: 0.5, bytes: 2.5 * 1_024 * 1_024, errors: 0 })
})

t.test('all that wrk calls an error is counted', async (t) => {
  const { errors, fault } = readWrk(`${WRK}  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 50\n`)
  t.equal(errors, 60)
  t.match(fault, /^50 answers .* 10 connections/)
})

t.test('output that is no report of wrk is an error', async (t) => {
  t.throws(() => readWrk('unable to connect'), /unable to connect/)
})

const H2LOAD = `Application protocol: h2
finished in 1.00s, 5000.00 req/s, 1.00MB/s
requests: 5003 total, 5003 started, 5002 done, 5000 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 5000 2xx, 0 3xx, 0 4xx, 1 5xx
`

t.test('the report of h2load is read', async (t) => {
  t.strictSame(readH2load(H2LOAD), { requests: 5_000, errors: 3 })
})

t.test('a run of h2load that did not speak HTTP/2 is an error', async (t) => {
  t.throws(() => readH2load(H2LOAD.replace('protocol: h2', 'protocol: http/1.1')), /was not agreed on/)
})

t.test('addresses of many backends are all different, and usual ones', async (t) => {
  const addresses = loopbackAddresses(10_000, 80)
  t.equal(new Set(addresses).size, 10_000)
  t.ok(addresses.every((address) => /^127\.[1-9]\d*\.\d+\.\d+:80$/.test(address) && !/\.(0|255):80$/.test(address)))
})
