/** nginx for measuring: what its configuration as a backend and as a peer have in common. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Process, start } from './processes.ts'
import type { Site } from './site.ts'

/** Of the 20,000 files that a process may have on many machines: the rest is for logs and listeners. */
const MAX_CONNECTIONS = 19_000

/** Starts one worker with `http` as its http block, on the processor `cpu`. */
export function startNginx (site: Site, name: string, http: string, cpu: number): Process {
  const folder = site.newFolder(name)
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, `daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr warn;
events { worker_connections ${MAX_CONNECTIONS}; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
${http}
}
`)
  return start('nginx', ['-c', config, '-e', 'stderr'], { cpu, cwd: folder, logFile: join(folder, 'stderr.log') })
}
