/** What the host of a virtual machine keeps of the processors for others: a slice in which it takes much measures the host. */
import { readFileSync } from 'node:fs'

/** The account of all processors since the start of the system, in ticks. */
export interface ProcessorAccount {
  /** Time that was asked for, and was got or not. */
  readonly asked: number
  /** What of it the host kept. */
  readonly stolen: number
}

/** The fields of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already. */
const IDLE = 3
const IOWAIT = 4
const STEAL = 7
const FIELDS = 8

export function processorAccount (stat = readFileSync('/proc/stat', 'utf8')): ProcessorAccount {
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, FIELDS).map(Number)
  const asked = ticks.reduce((sum, value, field) => field === IDLE || field === IOWAIT ? sum : sum + value, 0)
  return { asked, stolen: ticks[STEAL] ?? 0 }
}

/** The share of what was asked for that was stolen between two looks, 0 to 1. */
export function stolenRatio (before: ProcessorAccount, after: ProcessorAccount): number {
  const asked = after.asked - before.asked
  return asked <= 0 ? 0 : (after.stolen - before.stolen) / asked
}
