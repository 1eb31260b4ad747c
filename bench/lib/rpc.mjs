/**
 * Request and reply over the IPC channel of a forked process. Both the server and the load generator
 * answer to the same three lines, so that a scenario drives every peer with the same words.
 */
import { fork } from 'node:child_process';

/** A command that takes longer than this is a hang, not a slow peer. */
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Child side: answers `{ id, command, args }` with what `commands[command](args)` returns.
 * @param {Record<string, (args: any) => unknown>} commands
 * @param {() => unknown} [beforeExit] what must not outlive the process (a child of its own)
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
  // The parent is gone: nobody will ever stop us, so we stop ourselves.
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

  /** Ends the process: politely, then (after two seconds) not. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    if (this.#child.connected) this.#child.disconnect();
    await ended;
    clearTimeout(impatience);
  }
}
