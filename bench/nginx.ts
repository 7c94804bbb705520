/** nginx for measuring: as the backends, and as a peer. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Nginx {
  /** Ids of the processes that do the work. */
  pids (): number[]
  stop (): void
}

/** Starts nginx with `http` as its http block, on the processor `cpu`. */
export function startNginx (http: string, cpu: number): Nginx {
  const folder = mkdtempSync(join(tmpdir(), 'fastlancer-bench-'))
  const pidFile = join(folder, 'nginx.pid')
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, `worker_processes 1;
pid ${pidFile};
error_log ${join(folder, 'error.log')};
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  ${http}
}
`)
  execFileSync('taskset', ['-c', String(cpu), 'nginx', '-c', config])
  const master = Number(readFileSync(pidFile, 'utf8'))
  return {
    pids: () => readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number),
    stop: () => {
      process.kill(master, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Servers that answer 200 with a few bytes. */
export function backendBlock (ports: readonly number[]): string {
  return ports.map((port) => `server { listen 127.0.0.1:${port} backlog=4096; default_type text/plain; location / { return 200 "hello, world\\n"; } }`).join('\n')
}

/** A round-robin proxy with kept-alive upstream connections. */
export function proxyBlock (port: number, backends: readonly number[]): string {
  return `upstream backends { ${backends.map((backend) => `server 127.0.0.1:${backend};`).join(' ')} keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }
  }`
}
