import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Count, Figures, NodeName, NodeReport, NodeStatus } from '../app.events.js';
import { Child } from '../../../shared/processes/child.js';
import { UserError } from '../../../shared/processes/user-error.js';

const MAIN = join(import.meta.dirname, '../node/main.js');
const ZERO_FIGURES: Figures = { clients: 0, deliveries: 0, published: 0 };

export interface NodeSettings {
  readonly redisUrl: string;
  readonly restartAfterMs: number;
  readonly operatorPassword: string;
}

/** The process of a node, restarted when it dies. */
export class SupervisedNode {
  private process?: ChildProcess;
  private child?: Child;
  private run = 0;
  private state: NodeStatus['state'] = 'down';
  private figures = ZERO_FIGURES;
  private startsAt = 0;
  private timer?: NodeJS.Timeout;
  private stopping = false;
  /** Room -> newest count of this run. */
  private counts = new Map<string, Count>();
  private previousCounts: Count[] = [];
  private readonly changes = new Subject<void>();

  /** Emits when the state of the node changes. */
  readonly changes$ = this.changes.asObservable();

  constructor(
    readonly name: NodeName,
    readonly port: number,
    private readonly settings: NodeSettings,
  ) {}

  get status(): NodeStatus {
    const { name, state, figures } = this;
    if (state === 'down')
      return { name, state, ...ZERO_FIGURES, startsInMs: Math.max(0, this.startsAt - Date.now()) };
    return { name, state, ...figures, ...(this.process?.pid !== undefined && { pid: this.process.pid }) };
  }

  /** Newest counts of this run and the previous one. */
  get accepted(): Count[] {
    return [...this.previousCounts, ...this.counts.values()];
  }

  /** Does nothing if the node is running. */
  start(): void {
    if (this.state !== 'down' || this.stopping) return;
    clearTimeout(this.timer);
    this.previousCounts = [...this.counts.values()];
    this.counts = new Map();
    const { name, port } = this;
    const { redisUrl, operatorPassword } = this.settings;
    const env = {
      NODE_NAME: name,
      NODE_RUN: `${++this.run}`,
      PORT: `${port}`,
      REDIS_URL: redisUrl,
      OPERATOR_PASSWORD: operatorPassword,
    };
    const started = fork(MAIN, { env: { ...process.env, ...env }, detached: true });
    started.on('message', (message: NodeReport) => this.receive(message));
    started.once('exit', () => this.died());
    this.process = started;
    this.child = new Child(`node ${name}`, started);
    this.become('starting');
  }

  /** Sends SIGKILL: the node cannot clean up, as in a crash. */
  kill(): void {
    this.process?.kill('SIGKILL');
  }

  /** Resolves when the node serves requests. Rejects if its first start fails. */
  async up(): Promise<void> {
    while (this.state !== 'up') {
      if (this.state === 'down') throw new UserError(`Node ${this.name} does not start; see above`);
      await new Promise<void>((resolve) => {
        const change = this.changes.subscribe(() => {
          change.unsubscribe();
          resolve();
        });
      });
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    if (this.state !== 'down') await this.child?.stop();
  }

  private receive(message: NodeReport): void {
    if (message.kind === 'figures') this.figures = message.figures;
    else if (message.kind === 'accepted') this.counts.set(message.count.room, message.count);
    else this.become('up');
  }

  private died(): void {
    this.figures = ZERO_FIGURES;
    const { restartAfterMs } = this.settings;
    this.startsAt = Date.now() + restartAfterMs;
    if (!this.stopping) this.timer = setTimeout(() => this.start(), restartAfterMs);
    this.become('down');
  }

  private become(state: NodeStatus['state']): void {
    this.state = state;
    this.changes.next();
  }
}
