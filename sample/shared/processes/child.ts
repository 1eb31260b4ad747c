import type { ChildProcess } from 'node:child_process';
import { UserError } from './user-error.js';

/** Time after SIGTERM until SIGKILL. */
const KILL_AFTER_MS = 3_000;

/** A child process that must not end before the sample. */
export class Child {
  private stopping = false;
  /** Rejects if the process ends by itself; never settles otherwise. */
  readonly gone: Promise<never>;
  private readonly exited: Promise<void>;

  constructor(
    name: string,
    private readonly process: ChildProcess,
  ) {
    // The end of its output, shown if it ends unexpectedly.
    let output = '';
    const append = (part: Buffer): void => void (output = (output + part.toString()).slice(-2_000));
    process.stdout?.on('data', append);
    process.stderr?.on('data', append);
    this.exited = new Promise((resolve) => {
      process.once('close', () => resolve());
      process.once('error', () => resolve());
    });
    this.gone = new Promise((_resolve, reject) => {
      void this.exited.then(() => {
        if (!this.stopping) reject(new UserError(`${name} has ended by itself:\n${output}`));
      });
    });
    this.gone.catch(() => {});
  }

  /** Sends SIGKILL without waiting, for the `exit` handler of this process. */
  kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.process.kill('SIGTERM');
    const killTimer = setTimeout(() => this.process.kill('SIGKILL'), KILL_AFTER_MS);
    await this.exited;
    clearTimeout(killTimer);
  }
}
