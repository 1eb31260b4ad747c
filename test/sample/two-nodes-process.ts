import { type ChildProcess, spawn } from 'node:child_process';
import { findPrograms } from '../../sample/shared/processes/programs.js';
import { freePort } from '../redis/redis-server.js';
import { within } from '../support/within.js';
import { noBrowser } from '../support/chromium.js';

/** Returns the reason to skip a sample; `undefined` when it can run. Always `undefined` in CI, where it must run. */
export function missingFor(programs: readonly string[]): string | undefined {
  return process.env['CI'] === 'true' ? undefined : (noBrowser ?? whatIsMissing(programs));
}

function whatIsMissing(programs: readonly string[]): string | undefined {
  try {
    findPrograms(programs);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export const OPERATOR_PASSWORD = 'of-the-specs';

/** Includes the build, on a busy machine. */
const START_MS = 100_000;

/** Runs a script of package.json that starts a sample, as a user does; a dead node is not restarted by itself. */
export class TwoNodesProcess {
  readonly url: string;
  private output = '';
  private readonly exited: Promise<void>;

  private constructor(
    port: number,
    private readonly process: ChildProcess,
  ) {
    this.url = `http://localhost:${port}`;
    process.stdout?.on('data', (part: Buffer) => (this.output += part.toString()));
    process.stderr?.on('data', (part: Buffer) => (this.output += part.toString()));
    // 'close' follows once no process of the command can write any more.
    this.exited = new Promise((resolve) => process.once('close', () => resolve()));
  }

  static async start(script: string, variables: Record<string, string> = {}): Promise<TwoNodesProcess> {
    const port = await freePort();
    const env = {
      ...process.env,
      PORT: `${port}`,
      RESTART_AFTER_MS: '600000',
      OPERATOR_PASSWORD,
      ...variables,
    };
    const sample = new TwoNodesProcess(port, spawn('npm', ['run', script], { env, detached: true }));
    try {
      await within(Promise.race([sample.opened(), sample.exited]), 'the sample starts', START_MS);
      if (!sample.isOpen) throw new Error('the sample has ended');
      return sample;
    } catch (error) {
      await sample.interrupt();
      throw new Error(sample.output, { cause: error });
    }
  }

  /** Ctrl+C: the terminal sends it to all processes of the command. */
  async interrupt(): Promise<void> {
    const { pid } = this.process;
    const { exitCode, signalCode } = this.process;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGINT');
    await within(this.exited, 'the sample ends', START_MS);
  }

  private get isOpen(): boolean {
    return this.output.includes('Open http');
  }

  private opened(): Promise<void> {
    return new Promise((resolve) => {
      this.process.stdout?.on('data', () => this.isOpen && resolve());
    });
  }
}
