import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../support/within.js';

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** Without a redis-server these tests cannot run; where it must not be missed, that is a failure. */
export const describeWithRedis: typeof describe =
  isInstalled || process.env['CI'] === 'true' ? describe : describe.skip;
if (!isInstalled) process.emitWarning('redis-server is not on the PATH: the Redis tests are skipped.');

/** A redis-server process of its own, on a free port, in a directory of its own. */
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
  static async start(options: readonly string[] = ['--appendonly', 'no']): Promise<RedisServer> {
    const port = await freePort();
    const server = new RedisServer(port, (directory) => {
      return ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory, ...options];
    });
    await server.launch();
    return server;
  }

  /** A Sentinel, which is a Redis server in another mode. @param directives its configuration */
  static async startSentinel(directives: readonly string[]): Promise<RedisServer> {
    const port = await freePort();
    const server = new RedisServer(port, (directory) => {
      const file = join(directory, 'sentinel.conf');
      const own = [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`];
      writeFileSync(file, `${[...own, ...directives].join('\n')}\n`);
      return [file, '--sentinel'];
    });
    await server.launch();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the process, again after `kill`. Resolves when Redis takes commands. */
  async launch(): Promise<void> {
    this.#process = spawn('redis-server', this.#options, { stdio: 'ignore' });
    const deadline = Date.now() + 30_000;
    while (!(await this.#answers())) {
      if (Date.now() > deadline) throw new Error('redis-server does not answer');
      await pause(10);
    }
  }

  async kill(): Promise<void> {
    const killed = this.#process;
    if (killed === undefined) return;
    const exited = new Promise((resolve) => killed.once('exit', resolve));
    killed.kill('SIGKILL');
    await exited;
    this.#process = undefined;
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Sends one command on a connection of its own; resolves with the reply's first line, or its text. */
  command(...words: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      let reply = '';
      socket.once('error', reject);
      socket.on('data', (data) => {
        reply += data.toString();
        const end = reply.indexOf('\r\n');
        const isWhole = reply.startsWith('$')
          ? reply.length >= end + 4 + Number(reply.slice(1, end))
          : end > 0;
        if (end < 0 || !isWhole) return;
        socket.destroy();
        resolve(reply.startsWith('$') ? reply.slice(end + 2, -2) : reply.slice(0, end));
      });
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${parts.join('')}`);
    });
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.command('PING')) === '+PONG';
    } catch {
      return false;
    }
  }
}

/** Stands between a client and Redis, and can swallow what passes without closing anything. */
export class BlackHoleProxy {
  readonly port: number;
  readonly #server;
  readonly #pairs = new Set<{ client: Socket; redis: Socket }>();
  /** New connections that wait; `undefined` while none has to. */
  #waiting: Set<Socket> | undefined;
  target = 0;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param target the port to which new connections go; changed by a failover */
  static async start(target: number): Promise<BlackHoleProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new BlackHoleProxy(server);
    proxy.target = target;
    server.on('connection', (client) => proxy.#arrive(client));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections that come from now on are accepted, and nothing passes through them until `letIn`. */
  holdNew(): void {
    this.#waiting ??= new Set();
  }

  letIn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const client of waiting) if (!client.destroyed) this.#arrive(client);
  }

  /** What is sent on the connections of now still arrives, and no answer comes back. */
  mute(): void {
    for (const { client, redis } of this.#pairs) redis.unpipe(client).resume();
  }

  /** The connections of now stay open and carry nothing any more; new ones work. */
  swallow(): number {
    for (const { client, redis } of this.#pairs) {
      client.unpipe(redis).resume();
      redis.unpipe(client).resume();
    }
    const swallowed = this.#pairs.size;
    this.#pairs.clear();
    return swallowed;
  }

  close(): void {
    this.#server.close();
    for (const client of this.#waiting ?? []) client.destroy();
    for (const { client, redis } of this.#pairs) {
      client.destroy();
      redis.destroy();
    }
  }

  #arrive(client: Socket): void {
    if (this.#waiting === undefined) return this.#join(client, connect(this.target, '127.0.0.1'));
    client.on('error', () => {});
    this.#waiting.add(client);
  }

  #join(client: Socket, redis: Socket): void {
    const pair = { client, redis };
    this.#pairs.add(pair);
    client.pipe(redis).on('error', () => {});
    redis.pipe(client).on('error', () => {});
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      redis.destroy();
    };
    client.once('close', end);
    redis.once('close', end);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
