import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BrokerState } from 'nestjs-simple-sse';
import { Deferred } from '../../src/broker/redis/link/deferred.js';
import { within } from '../support/within.js';
import type { FromNode, NodeConfig, ToNode } from './node/messages.js';

const PATIENCE_MS = 60_000;

/** A Node process that runs a Nest application, one after the other. */
export class NodeProcess {
  url = '';
  state: BrokerState | undefined;
  /** What it said on its way out, where nobody had killed it. */
  failure: string | undefined;
  readonly #child: ChildProcess;
  readonly #answers: Deferred<FromNode>[] = [];
  #errors = '';
  #isKilled = false;

  constructor(main: string) {
    this.#child = fork(main, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.on('message', (message: FromNode) => this.#hear(message));
    this.#child.once('exit', (code) => {
      if (this.#isKilled) return;
      this.failure = `the node ended with ${code}: ${this.#errors.slice(-2_000)}`;
      for (const answer of this.#answers) answer.reject(new Error(this.failure));
    });
  }

  async start(config: NodeConfig): Promise<void> {
    const answer = await this.#ask({ kind: 'start', config });
    if (answer.kind === 'started') this.url = answer.url;
  }

  /** Closes its application. */
  async stop(): Promise<void> {
    this.state = undefined;
    if (!this.#isKilled) await this.#ask({ kind: 'stop' });
  }

  async kill(): Promise<void> {
    if (this.#isKilled) return;
    this.#isKilled = true;
    const ended = once(this.#child, 'exit');
    const isRunning = this.#child.kill('SIGKILL');
    if (isRunning) await ended;
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async #ask(message: ToNode): Promise<FromNode> {
    const answer = new Deferred<FromNode>();
    this.#answers.push(answer);
    this.#child.send(message);
    const answered = await within(answer.promise, `an answer to "${message.kind}"`, PATIENCE_MS);
    if (answered.kind === 'failed') throw new Error(answered.message);
    return answered;
  }

  #hear(message: FromNode): void {
    if (message.kind === 'state') this.state = message.state;
    else if (message.kind !== 'loaded') this.#answers.shift()?.resolve(message);
  }
}
