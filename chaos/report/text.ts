/** What the page says besides its tables. Nothing of it depends on what was measured. */
import { BEGIN_MS, END_MS, STOP_MS, WARM_UP_MS } from '../times.ts'

const seconds = (ms: number): string => String(ms / 1_000)

export const INTRODUCTION = `What clients notice of a backend that dies, hangs, lies or vanishes: faults are played on real processes, under load, with every policy, with the
defaults and with the settings that are advised against the fault.`

export const METHOD = `Each row of a table is one play: three backends, a gateway as \`npm start\` starts it (\`ACCESS_LOG=off\`, \`ADMIN_PORT=off\`), 64 kept connections that each send a GET, wait for the answer, and pause for 0 to
40 ms. After ${seconds(WARM_UP_MS)} s of warm-up the play lasts ${seconds(STOP_MS)} s; the fault begins at ${seconds(BEGIN_MS)} s and ends at ${seconds(END_MS)} s. The gateway has one processor, the load and the backends have the other.
Every answer names its backend and repeats the path that was asked for, in 1 KiB: one that is cut, mixed up or somebody else's shows.

- An error is what a client cannot take for an answer: a status other than 200, a connection that breaks, a body that is cut or wrong, no answer a second after the end.
- The load is a closed loop, as browsers and connection pools are: a client that waits for a backend that hangs asks for nothing else meanwhile. What a fault costs is then in the
  good answers a second, not only in errors and latencies.
- "during" counts requests that were under way at some time of the fault, "before" those that were answered earlier.
- "last error after" counts from the begin of the fault (which ends after ${seconds(END_MS - BEGIN_MS)} s). A dash: no error since it began.
- "share back after" counts from the end of the fault until the backends that it befell get half of their former share of requests again, or more. "not in time": not within
  the ${seconds(STOP_MS - END_MS)} s that the play goes on. With the defaults a backend that is ejected is out for ten seconds, and it is probed every
  ten, at a moment of its own that may or may not lie within the fault: it may come back only after the end of the play. In such a column two plays of the same thing differ.
- A policy that goes by a key takes the path for it here (\`HASH_KEY=path\`, 1,000 paths): by address, all of this load would go to one backend.
- One play is no distribution. What differs by a few requests is chance; what differs by a factor is not. A run with another seed tells.`

export const WHAT_DEFAULTS_DO = `With the defaults an attempt that fails is followed by another one elsewhere as long as nothing of the answer was passed on, so that a backend that refuses, or resets before it
answers, costs time, not answers; one that is cut in the middle of its body is cut for the client too, rather than ended as if it were whole. What no default can do is tell a backend that hangs from one that is slow: how long is too long only the application knows. That is why
the timeout that helps against \`stopped\`, \`blackholed\` and \`slow\` is for you to set. In the same way only the application knows whether a status says something about the backend or about the request.`

export const PEERS_TEXT = 'Other gateways are there for orientation, with what their documentation has for several backends; each can be set up for less or for more.'
