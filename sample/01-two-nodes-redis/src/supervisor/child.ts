import type { ChildProcess } from 'node:child_process';
import { Problem } from './problem.js';

/** After this long a process that was asked to end is ended. */
const PATIENCE_MS = 3_000;

/** A process that must run as long as the sample does. */
export class Child {
  private stopping = false;
  /** Rejects if the process ends by itself; never settles otherwise. */
  readonly gone: Promise<never>;
  private readonly exited: Promise<void>;

  constructor(
    name: string,
    private readonly process: ChildProcess,
  ) {
    // The last that it said, shown where it ends by itself.
    let words = '';
    const listen = (part: Buffer): void => void (words = (words + part.toString()).slice(-2_000));
    process.stdout?.on('data', listen);
    process.stderr?.on('data', listen);
    this.exited = new Promise((resolve) => {
      process.once('close', () => resolve());
      process.once('error', () => resolve());
    });
    this.gone = new Promise((_resolve, reject) => {
      void this.exited.then(() => {
        if (!this.stopping) reject(new Problem(`${name} has ended by itself:\n${words}`));
      });
    });
    this.gone.catch(() => {});
  }

  /** Without a word, and without waiting: for the last moment of this process. */
  kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.process.kill('SIGTERM');
    const impatience = setTimeout(() => this.process.kill('SIGKILL'), PATIENCE_MS);
    await this.exited;
    clearTimeout(impatience);
  }
}
