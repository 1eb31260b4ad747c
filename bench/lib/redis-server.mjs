import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 10_000;

/** @returns {string | undefined} the version on the PATH */
export function redisVersion() {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined;
}

/** A redis-server process of its own, on a free port, that keeps nothing on disk. */
export class RedisServer {
  #port;
  #process;
  #folder = mkdtempSync(join(tmpdir(), 'sse-bench-redis-'));
  #onExit = () => {
    this.#process?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  static async start() {
    const server = new RedisServer();
    server.#port = await freePort();
    process.on('exit', server.#onExit);
    await server.launch();
    return server;
  }

  get url() {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Starts the process, again after `kill`. Resolves when Redis takes commands. */
  async launch() {
    const options = { bind: '127.0.0.1', port: this.#port, save: '', appendonly: 'no', dir: this.#folder };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (Date.now() > deadline) throw new Error('redis-server does not answer');
      await sleep(5);
    }
  }

  async kill() {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  async close() {
    process.off('exit', this.#onExit);
    await this.kill();
    this.#onExit();
  }

  /** CPU time of the server, in microseconds. @returns {Promise<number>} */
  async cpuMicros() {
    const info = await this.command('INFO', 'cpu');
    const seconds = (name) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
  }

  /** One command on a connection of its own. @returns {Promise<string>} the text, or the first line of another reply */
  command(...words) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, '127.0.0.1');
      let reply = '';
      socket.once('error', reject);
      socket.on('data', (data) => {
        reply += data.toString('latin1');
        const end = reply.indexOf('\r\n');
        const isText = reply.startsWith('$');
        if (end === -1 || (isText && reply.length < end + 4 + Number(reply.slice(1, end)))) return;
        socket.destroy();
        resolve(isText ? reply.slice(end + 2, -2) : reply.slice(0, end));
      });
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${parts.join('')}`);
    });
  }

  async #answers() {
    try {
      return (await this.command('PING')) === '+PONG';
    } catch {
      return false;
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
