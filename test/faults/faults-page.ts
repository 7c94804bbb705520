/** The fault matrix as a page of Markdown, docs/reference/faults.md. */
import { BACKEND_CELLS, BACKEND_POINTS, type BackendCell, CLIENT_CELLS, CLIENT_POINTS, type ClientCell, FAULTS, type Outcome } from './cells.ts'

const HEAD = `<!-- Made by "npm run generate" of test/faults/cells.ts, whose entries the tests play one by one: change those instead. -->
# What happens when something fails

One line for each point of an exchange and each fault, over HTTP/1.1. *RST* is a connection that breaks, *FIN* one that is ended
in good order, a *stall* is silence without an end, *garbage* is bytes that are no HTTP. "200, cut" is an answer whose head has
gone out and whose body ends so that no client can take it for whole. The answers 4xx, 502 and 504 are the gateway's own.
`

const BACKEND_TEXT = `
## The backend fails

*GET, PUT* stands for all idempotent methods; an upload is a PUT. Another backend is well; *only one* is what the client of an
idempotent request gets where there is none. Attempts and failures are those of the backend that fails, as in \`/-/status\`. The
log line is \`proxy error\`, with the code, the cause, and what follows (\`retry\`).
`

const CLIENT_TEXT = `
## The client fails

The backend is well; none of this is counted as a failure of it. The access line is the one that \`ACCESS_LOG\` writes.
`

/** The whole page. */
export function renderFaultsPage (): string {
  const backend = table(['The backend fails', 'by', 'GET, PUT', 'POST', 'Only one', 'Attempts, failures (GET; POST)', 'Log', 'Why'], BACKEND_CELLS.map(backendRow))
  const client = table(['The client fails', 'by', 'It gets', 'Connection', 'The backend gets', 'Log', 'Access line', 'Why'], CLIENT_CELLS.map(clientRow))
  return `${HEAD}${BACKEND_TEXT}\n${backend}\n${CLIENT_TEXT}\n${client}\n`
}

function backendRow ({ at, fault, idempotent, post, alone, log, why }: BackendCell): string[] {
  const counted = [idempotent, post].map(({ requests, failures }) => `${requests}, ${failures}`)
  return [BACKEND_POINTS[at], FAULTS[fault], told(idempotent), told(post), alone, counted.join('; '), log === undefined ? 'none' : logged(log), why]
}

function clientRow ({ at, fault, client, closes, code, access, backend, why }: ClientCell): string[] {
  const line = access === undefined ? 'none' : `\`${access[0]}\`, ${access[1]}`
  return [CLIENT_POINTS[at], FAULTS[fault], client, closes ? 'closed' : 'kept', backend, code === undefined ? 'none' : `\`${code}\``, line, why]
}

function told ({ client, retry }: Outcome): string {
  if (retry === 'other-backend') return `${client} from another backend`
  return retry === 'same-backend' ? `${client}, over a new connection` : client
}

function logged ([code, cause]: readonly [code: string, cause: string]): string {
  return cause === '' ? `\`${code}\`` : `\`${code}\`: ${cause}`
}

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
