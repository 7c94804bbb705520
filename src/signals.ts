/**
 * Ends the process once, in an orderly way: on a signal, or on an error that nobody has caught. Whoever does not want to wait sends a
 * second signal.
 */

/** Why the process ends: a signal, or what was thrown, which can be anything. */
export type EndCause = { readonly signal: NodeJS.Signals } | { readonly error: unknown }

export interface OrderlyEndOptions {
  /** Is told why an end is cut short. */
  readonly logger: { readonly error: (why: unknown) => void }
  /** Finishes what is under way; once it has, the process exits, with 0 after a signal and 1 after an error or if this fails. */
  readonly finish: (cause: EndCause) => Promise<void>
}

/**
 * Signals count as the same for this long, in ms. One press of Ctrl-C, or one kill of a process group, reaches the gateway twice under
 * npm: npm passes on what it gets to a process that has got it already. A person who wants it to end now takes longer.
 */
export const SAME_SIGNAL_MS = 500

/** Those that ask for an end. Others tell of a broken process, or belong to debuggers: a listener would only delay their effect. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const

/** What else ends the process. */
const ERRORS = ['uncaughtException', 'unhandledRejection'] as const

/**
 * From now on the first signal or error calls `finish`, and ends the process. What comes meanwhile ends it at once, with exit code 1:
 * an error, or a signal, unless the first was a signal too, this one or another, and no more than SAME_SIGNAL_MS ago.
 */
export function endOrderly ({ logger, finish }: OrderlyEndOptions): void {
  let isEnding = false
  let isSameSignal = false

  // They stay: a signal without a listener ends the process, even in the moment between two of them.
  for (const signal of SIGNALS) process.on(signal, onSignal)
  for (const event of ERRORS) process.on(event, onError)

  function onSignal (signal: NodeJS.Signals): void {
    if (isSameSignal) return
    if (isEnding) exitNow(`second ${signal}, exiting`)
    isSameSignal = true
    // The turn after it is for signals that came in time, and were not seen because the thread was busy.
    setTimeout(() => setImmediate(() => { isSameSignal = false }), SAME_SIGNAL_MS).unref()
    void end({ signal })
  }

  function onError (error: unknown): void {
    if (isEnding) exitNow('second error, exiting', error)
    void end({ error })
  }

  async function end (cause: EndCause): Promise<void> {
    isEnding = true
    try {
      await finish(cause)
    } catch (error) {
      exitNow(error)
    }
    process.exit('error' in cause ? 1 : 0)
  }

  function exitNow (...reasons: readonly unknown[]): never {
    for (const reason of reasons) logger.error(reason)
    process.exit(1)
  }
}
