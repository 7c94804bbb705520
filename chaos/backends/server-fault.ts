/** The faults that the server in main.ts can play. */

export const SERVER_FAULTS = ['none', 'refused', 'slow', 'errors', 'resetting'] as const

export type ServerFault = typeof SERVER_FAULTS[number]

export function isServerFault (text: string): text is ServerFault {
  return SERVER_FAULTS.some((fault) => fault === text)
}
