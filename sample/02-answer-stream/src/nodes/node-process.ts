import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { Child } from '../../../shared/processes/child.js';
import { UserError } from '../../../shared/processes/user-error.js';
import type { NodeName } from '../app.events.js';

const MAIN = join(import.meta.dirname, 'node.main.js');

export interface NodeSettings {
  readonly redisUrl: string;
  readonly restartAfterMs: number;
}

/** The process of a node, started again some time after it has died. */
export class NodeProcess {
  private process?: ChildProcess;
  private child?: Child;
  private timer?: NodeJS.Timeout;
  private isStopping = false;

  constructor(
    private readonly name: NodeName,
    private readonly port: number,
    private readonly settings: NodeSettings,
  ) {}

  /** Resolves when the node serves requests. Rejects if it ends before. */
  async start(): Promise<void> {
    const { name, port } = this;
    const { redisUrl, restartAfterMs } = this.settings;
    const env = { ...process.env, NODE_NAME: name, PORT: `${port}`, REDIS_URL: redisUrl };
    // Detached: Ctrl+C reaches the main process only, which then stops the others in sequence.
    const started = fork(MAIN, { env, detached: true });
    this.process = started;
    this.child = new Child(`node ${name}`, started);
    await new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve());
      started.once('exit', () => reject(new UserError(`Node ${name} does not start; see above`)));
    });
    started.once('exit', () => {
      if (this.isStopping) return;
      console.log(`Node ${name} has died. It starts again in ${restartAfterMs} ms.`);
      this.timer = setTimeout(() => void this.start().catch(console.error), restartAfterMs);
    });
  }

  kill(): void {
    this.process?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    const { process: running } = this;
    if (running?.exitCode === null && running.signalCode === null) await this.child?.stop();
  }
}
