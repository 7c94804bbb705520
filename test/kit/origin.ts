/** What backends of the test kit have in common. */

/** How the gateway's probes introduce themselves. */
export const PROBE_AGENT = 'fastlancer-probe'

export interface Origin {
  /** Stands in its answers, so that a test knows who served. */
  readonly name: string
  /** `http://127.0.0.1:port`. */
  readonly url: string
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Closes the port and resets what is open: from now on it refuses. */
  stop (): Promise<void>
}
