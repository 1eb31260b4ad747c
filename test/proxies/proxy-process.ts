import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../redis/redis-server.js';
import { eventually, PATIENCE_MS } from '../support/within.js';

/** Debian installs proxies in a folder on root's PATH only. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

interface ProxyProgram {
  readonly binary: string;
  readonly versionFlag: string;
  /** Wraps a part of the configuration, as a page of the documentation shows it, into a whole one. */
  configure(
    part: string,
    ports: {
      readonly own: number;
      readonly app: number;
      readonly apps: readonly number[];
      readonly idle: number;
    },
  ): string;
  commandLine(file: string, directory: string, port: number): readonly string[];
}

const PROGRAMS = {
  nginx: {
    binary: 'nginx',
    versionFlag: '-v',
    configure: (part, { own, apps, idle }) => `
      daemon off; master_process off; pid nginx.pid; error_log stderr crit;
      events { worker_connections 8192; }
      http {
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        gzip on;
        upstream app { ${apps.map((port) => `server 127.0.0.1:${port} fail_timeout=1s;`).join(' ')}${idle > 0 ? ` keepalive ${idle};` : ''} }
        server { listen 127.0.0.1:${own}; ${part} }
      }`,
    commandLine: (file, directory) => ['-p', directory, '-c', file],
  },
  haproxy: {
    binary: 'haproxy',
    versionFlag: '-v',
    configure: (part, { own, app }) => `
${part === '' ? 'defaults' : part}
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen sse
  bind 127.0.0.1:${own}
  server app 127.0.0.1:${app}
`,
    commandLine: (file) => ['-db', '-f', file],
  },
  varnish: {
    binary: 'varnishd',
    versionFlag: '-V',
    configure: (part, { app }) => `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${app}"; .first_byte_timeout = 60s; .between_bytes_timeout = 60s; }
sub vcl_backend_response { set beresp.do_gzip = true; }
${part}
`,
    commandLine: (file, directory, port) =>
      `-F -j none -n ${directory}/state -a 127.0.0.1:${port} -f ${file}`.split(' '),
  },
} satisfies Record<string, ProxyProgram>;

export type ProxyName = keyof typeof PROGRAMS;

/** Returns the reason to skip a suite: the program is missing, and this is not CI, where the suite then fails. */
export function missingProxy(name: ProxyName): string | undefined {
  const { binary, versionFlag } = PROGRAMS[name];
  const isThere = spawnSync(binary, [versionFlag], { env }).error === undefined;
  return isThere || process.env['CI'] === 'true' ? undefined : `${binary} is not on the PATH`;
}

/** Returns the only code block of a language in a page of the documentation. */
export function documentedPart(page: string, language: string): string {
  const blocks = readFileSync(page, 'utf8').split(`\n\`\`\`${language}\n`);
  if (blocks.length !== 2) throw new Error(`${page} has ${blocks.length - 1} blocks of ${language}`);
  return (blocks[1] as string).split('\n```')[0] as string;
}

/** A proxy in front of an application, in a process of its own on a free port. */
export class ProxyProcess {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #directory: string;
  #errors = '';

  private constructor(port: number, running: ChildProcess, directory: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#process = running;
    this.#directory = directory;
    running.stderr?.on('data', (text: Buffer) => (this.#errors += text.toString()));
  }

  /**
   * @param appPorts of the application; nginx balances several
   * @param part of the configuration; none for the defaults of the program
   * @param idle connections to the application that nginx keeps; none by default
   */
  static async start(
    name: ProxyName,
    appPorts: number | readonly number[],
    part = '',
    idle = 0,
  ): Promise<ProxyProcess> {
    const program: ProxyProgram = PROGRAMS[name];
    const directory = mkdtempSync(join(tmpdir(), `sse-${name}-`));
    const file = join(directory, 'proxy.conf');
    const port = await freePort();
    const apps = [appPorts].flat();
    writeFileSync(file, program.configure(part, { own: port, app: apps[0] ?? 0, apps, idle }));
    const running = spawn(program.binary, program.commandLine(file, directory, port), {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const proxy = new ProxyProcess(port, running, directory);
    try {
      await eventually(() => proxy.#accepts(port), `${name} listens`, PATIENCE_MS);
    } catch (error) {
      await proxy.stop();
      throw new Error(`${name} does not start: ${proxy.#errors}`, { cause: error });
    }
    return proxy;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null && this.#process.pid !== undefined) {
      const exited = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #accepts(port: number): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error('the process has ended');
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  }
}
