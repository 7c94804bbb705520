/** Loaded into a gateway by `--import`: SIGUSR2 begins a profile of the processor's time, the next one ends it and writes it to PROFILE_FILE. */
import { renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const INTERVAL_MICROS = 200

const session = new Session()
session.connect()
let isOn = false

process.on('SIGUSR2', () => {
  const done = isOn ? end() : begin()
  isOn = !isOn
  done.catch((error: unknown) => { process.stderr.write(`no profile: ${String(error)}\n`) })
})

async function begin (): Promise<void> {
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS })
  await session.post('Profiler.start')
}

async function end (): Promise<void> {
  const { profile } = await session.post('Profiler.stop')
  const file = process.env['PROFILE_FILE'] ?? 'gateway.cpuprofile'
  writeFileSync(`${file}.part`, JSON.stringify(profile))
  // Whoever waits for it finds it whole.
  renameSync(`${file}.part`, file)
}
