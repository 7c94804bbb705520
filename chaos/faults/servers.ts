/** Faults of a server that goes on running. Its health check is answered well all the while: probes find none of them but `refused`. */
import { VICTIM } from '../backends/field.ts'
import type { ServerFault } from '../backends/server-fault.ts'
import type { Fault } from '../types.ts'
import { FAULT_MS, send, step } from './common.ts'

const VICTIMS = [VICTIM]

export const refused = serverFault('refused', 'Refused', 'One backend stops to listen and closes its connections once their answers are given, as in an orderly end: new connections are refused.')

export const slow = serverFault('slow', 'Slow', 'One backend answers after two seconds. Its health check is answered at once.')

export const errors = serverFault('errors', 'Errors', 'One backend answers 500 at once to everything but its health check: quicker than the others, if anything, which draws more load to it.')

export const resetting = serverFault('resetting', 'Resetting', 'One backend resets the connection, by turns in the middle of the head of its answer and of the body (1 KiB).')

function serverFault (name: ServerFault, title: string, about: string): Fault {
  return {
    name,
    title,
    about,
    victims: VICTIMS,
    field: name,
    steps: [step(0, VICTIMS, send('SIGUSR2')), step(FAULT_MS, VICTIMS, send('SIGHUP'))]
  }
}
