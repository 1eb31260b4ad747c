import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../support/within.js';

/** Another server that calls itself compatible, such as Valkey: the path of its binary. */
const BINARY = process.env['SSE_REDIS_SERVER'] ?? 'redis-server';
const isInstalled = spawnSync(BINARY, ['--version']).status === 0;

/** Skips these tests where no redis-server is installed, except in CI, where they fail. */
export const describeWithRedis: typeof describe =
  isInstalled || process.env['CI'] === 'true' ? describe : describe.skip;
if (!isInstalled) process.emitWarning(`${BINARY} is not on the PATH: the Redis tests are skipped.`);

class EndedAtStartError extends Error {}

/** Launches a server on a free port, and on another one where a process has taken that port meanwhile. */
async function launchOnFreePort(create: (port: number) => Promise<RedisServer>): Promise<RedisServer> {
  for (let attempts = 1; ; attempts++) {
    const server = await create(await freePort());
    try {
      await server.launch();
      return server;
    } catch (error) {
      await server.dispose();
      if (!(error instanceof EndedAtStartError) || attempts === 5) throw error;
    }
  }
}

/** A redis-server process on a free port, with its own directory. */
export class RedisServer {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'sse-redis-'));
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, options: (directory: string) => readonly string[]) {
    this.port = port;
    this.#options = options(this.#directory);
  }

  /** @param options as on the command line of redis-server; by default nothing is written to disk */
  static async start(
    options: readonly string[] | (() => Promise<readonly string[]>) = ['--appendonly', 'no'],
  ): Promise<RedisServer> {
    return launchOnFreePort(async (port) => {
      const own = typeof options === 'function' ? await options() : options;
      return new RedisServer(port, (directory) => {
        return ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory, ...own];
      });
    });
  }

  /** Starts a Sentinel, which is a Redis server in another mode. @param directives its configuration */
  static async startSentinel(directives: readonly string[]): Promise<RedisServer> {
    return launchOnFreePort(
      async (port) =>
        new RedisServer(port, (directory) => {
          const file = join(directory, 'sentinel.conf');
          const own = [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`];
          writeFileSync(file, `${[...own, ...directives].join('\n')}\n`);
          return [file, '--sentinel'];
        }),
    );
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the process, also after `kill`. Resolves when Redis accepts commands. */
  async launch(): Promise<void> {
    this.#process = spawn(BINARY, this.#options, { stdio: 'ignore' });
    const deadline = Date.now() + 30_000;
    while (!(await this.#answers())) {
      if (this.#hasEnded)
        throw new EndedAtStartError('redis-server has ended at its start: a port may be taken');
      if (Date.now() > deadline) throw new Error('redis-server does not answer');
      await pause(10);
    }
    // Another server may answer on the port that this one has not got.
    await pause(10);
    if (this.#hasEnded) throw new EndedAtStartError('redis-server has ended at its start: its port is taken');
  }

  async kill(): Promise<void> {
    const killed = this.#process;
    if (killed === undefined || this.#hasEnded) return;
    const exited = new Promise((resolve) => killed.once('exit', resolve));
    killed.kill('SIGKILL');
    await exited;
    this.#process = undefined;
  }

  /** Kills the process and starts it again shortly after. */
  async restart(): Promise<void> {
    await this.kill();
    await pause(50);
    await this.launch();
  }

  /** Cuts the AOF of a killed server within the last command of the transaction that has a text, as a kill within its write does. */
  tearWriteOf(text: string): void {
    const folder = join(this.#directory, 'appendonlydir');
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '');
    const content = readFileSync(file, 'latin1');
    truncateSync(file, content.indexOf('*1\r\n$4\r\nEXEC', content.indexOf(text)) - 4);
  }

  /** Runs `redis-check-aof --fix`, which is the same binary under another name. */
  repairFile(): void {
    const manifest = join(this.#directory, 'appendonlydir', 'appendonly.aof.manifest');
    spawnSync(BINARY, ['--fix', manifest], { argv0: 'redis-check-aof', input: 'y\ny\n' });
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Sends one command as `sendCommand` does. */
  command(...words: string[]): Promise<string> {
    return sendCommand(this.port, ...words);
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #hasEnded(): boolean {
    return this.#process?.exitCode !== null || this.#process.signalCode !== null;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.command('PING')) === '+PONG';
    } catch {
      return false;
    }
  }
}

/** Sends one command on a new connection. Resolves with the text of a bulk reply, or the first line of another. */
export function sendCommand(port: number, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let reply = '';
    socket.once('error', reject);
    socket.on('data', (data) => {
      reply += data.toString();
      const end = reply.indexOf('\r\n');
      const isWhole = reply.startsWith('$') ? reply.length >= end + 4 + Number(reply.slice(1, end)) : end > 0;
      if (end < 0 || !isWhole) return;
      socket.destroy();
      resolve(reply.startsWith('$') ? reply.slice(end + 2, -2) : reply.slice(0, end));
    });
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join('')}`);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
