/**
 * nchan in nginx, one worker: the C peer. Runs only where nginx and the module are installed (Debian:
 * `apt install nginx-light libnginx-mod-nchan`). Published to over one keep-alive HTTP connection; its CPU
 * time is read from `/proc`; its user-space share in steps of 10 ms.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_HEARTBEAT_MS } from './index.mjs';

const NGINX = process.env.BENCH_NGINX ?? '/usr/sbin/nginx';
const MODULE = process.env.BENCH_NCHAN_MODULE ?? '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** @returns {string | undefined} why it cannot run here */
export function unavailable() {
  if (process.platform !== 'linux') return 'needs Linux (/proc)';
  if (!existsSync(NGINX)) return `nginx is not installed (${NGINX})`;
  if (!existsSync(MODULE)) return `nginx's nchan module is not installed (${MODULE})`;
  return undefined;
}

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sse-bench-nchan-'));
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(configuration, nginxConfiguration({ folder, port, heartbeatMs }));
  const nginx = spawn(NGINX, ['-c', configuration, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const close = async () => {
    const ended = new Promise((resolve) => nginx.once('exit', resolve));
    nginx.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };

  const publisher = await connectWithPatience(port);
  const waiting = [];
  // Each publish is answered with one short head; responses to pipelined requests come in order.
  publisher.on('data', (data) => {
    const text = data.toString('latin1');
    for (let at = text.indexOf('HTTP/1.1 '); at !== -1; at = text.indexOf('HTTP/1.1 ', at + 1)) {
      if (text[at + 9] !== '2') throw new Error(`nchan refused to publish: ${text}`);
      waiting.shift()?.();
    }
  });

  return {
    port,
    publish(room, data) {
      publisher.write(
        `POST /publish/${room} HTTP/1.1\r\nHost: x\r\nContent-Length: ${data.length}\r\n\r\n${data}`,
      );
      return new Promise((resolve) => waiting.push(resolve));
    },
    close,
    connections: () => openConnections(port),
    cpuMicros: () => cpuOf(nginx.pid),
    memory: () => ({ heapUsed: 0, external: 0, arrayBuffers: 0, rss: memoryOf(nginx.pid) }),
  };
}

const nginxConfiguration = ({ folder, port, heartbeatMs }) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; load_module ${MODULE};
events { worker_connections 32768; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  client_body_in_single_buffer on; nchan_max_reserved_memory 256m;
  server {
    listen 127.0.0.1:${port} backlog=2048;
    location ~ ^/publish/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 512; }
    location ~ ^/rooms/(.+)/events$ {
      nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval ${Math.max(1, Math.round(heartbeatMs / 1000))};
    }
  }
}`;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function connectWithPatience(port) {
  for (let attempt = 0; ; attempt++) {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const error = await new Promise((resolve) =>
      socket.once('connect', () => resolve(undefined)).once('error', resolve),
    );
    if (!error) return socket;
    if (attempt === 50) throw error;
    await sleep(100);
  }
}

/** Established server-side sockets of the port, less the publisher's. Read from /proc: nginx has no cheap counter. */
function openConnections(port) {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  // Columns: slot, local address, remote address, state; 01 is ESTABLISHED.
  const established = new RegExp(`^ *\\d+: 0100007F:${hexPort} [0-9A-F:]+ 01 `, 'gm');
  return (readFileSync('/proc/net/tcp', 'latin1').match(established)?.length ?? 0) - 1;
}

const workersOf = (pid) =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid));

/** Fields of /proc/<pid>/stat after the command's name: state, parent, … */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // ended meanwhile
  }
}

const TICKS_PER_SECOND = Number(existsSync('/proc') ? execFileSync('getconf', ['CLK_TCK']) : 100);

/** The total is exact (the scheduler's nanoseconds); the split into user and system is counted in ticks. */
function cpuOf(pid) {
  let user = 0;
  let total = 0;
  for (const worker of workersOf(pid)) {
    user += (Number(statOf(worker)[11]) * 1e6) / TICKS_PER_SECOND;
    total += Number(readFileSync(`/proc/${worker}/schedstat`, 'latin1').split(' ')[0]) / 1e3;
  }
  return { user, system: total - user };
}

const memoryOf = (pid) => workersOf(pid).reduce((sum, worker) => sum + residentBytes(worker), 0);

const residentBytes = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;
