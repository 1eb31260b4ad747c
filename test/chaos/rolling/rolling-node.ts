import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { within } from '../../support/within.js';
import type { RollingConfig } from './rolling-config.js';

/** The longest start or end of a process, drain windows aside. */
const PROCESS_MS = 60_000;

/** A node process on a fixed port, which is replaced by a new one on SIGTERM, as a supervisor does. */
export class RollingNode {
  readonly #main: string;
  readonly #config: RollingConfig;
  #child: ChildProcess | undefined;
  /** What the processes have written to their error output. */
  errors = '';

  constructor(main: string, config: RollingConfig) {
    this.#main = main;
    this.#config = config;
  }

  /** Settles when the process listens. */
  async start(): Promise<void> {
    const child = fork(this.#main, [JSON.stringify(this.#config)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the node ended with ${String(code)}: ${this.errors.slice(-2_000)}`);
    });
    await within(Promise.race([once(child, 'message'), ended]), 'a listening node', PROCESS_MS);
    ended.catch(() => {});
  }

  /** Sends SIGTERM. Settles when the process has ended. */
  async terminate(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await within(ended, 'the end of a node', this.#config.drainWindowMs + PROCESS_MS);
    this.#child = undefined;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
