/**
 * Request and reply over the IPC channel of a forked process. Server and load generator use the same protocol,
 * so a scenario drives every peer with the same commands.
 */
import { fork } from 'node:child_process';

/** Time limit of a command. A longer one has hung. */
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Child side: answers `{ id, command, args }` with what `commands[command](args)` returns.
 * @param {Record<string, (args: any) => unknown>} commands
 * @param {() => unknown} [beforeExit] ends resources that must not outlive the process, such as a child process
 */
export function answerCommands(commands, beforeExit = () => {}) {
  process.on('message', async ({ id, command, args }) => {
    try {
      const result = await commands[command](args ?? {});
      process.send({ id, result });
    } catch (error) {
      process.send({ id, error: error?.stack ?? String(error) });
    }
  });
  // Exits when the parent has ended.
  process.on('disconnect', async () => {
    await beforeExit();
    process.exit(0);
  });
}

/** Parent side: one forked process and its pending requests. */
export class ChildProcess {
  #child;
  #pending = new Map();
  #nextId = 1;
  #name;

  /**
   * @param {string} name for messages
   * @param {URL} module
   * @param {{ execArgv?: string[], env?: Record<string, string> }} [options]
   */
  constructor(name, module, { execArgv = [], env = {} } = {}) {
    this.#name = name;
    this.#child = fork(module, [], { execArgv, env: { ...process.env, NODE_ENV: 'production', ...env } });
    this.#child.on('message', ({ id, result, error }) => {
      const request = this.#pending.get(id);
      if (!request) return;
      this.#pending.delete(id);
      clearTimeout(request.timer);
      if (error) request.reject(new Error(`${name}: ${error}`));
      else request.resolve(result);
    });
    this.#child.on('exit', (code, signal) => {
      for (const { reject, timer } of this.#pending.values()) {
        clearTimeout(timer);
        reject(new Error(`${name} ended (code ${code}, signal ${signal})`));
      }
      this.#pending.clear();
    });
  }

  /**
   * @param {string} command
   * @param {object} [args]
   * @param {number} [timeoutMs]
   * @returns {Promise<any>}
   */
  call(command, args, timeoutMs = DEFAULT_TIMEOUT_MS) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) return reject(new Error(`${this.#name} has ended`));
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${this.#name}: ${command} took longer than ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.send({ id, command, args });
    });
  }

  /** Ends the process with SIGTERM, and with SIGKILL after two seconds. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    if (this.#child.connected) this.#child.disconnect();
    await ended;
    clearTimeout(impatience);
  }
}
