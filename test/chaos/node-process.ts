import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BrokerState, PresenceChange } from 'nestjs-simple-sse';
import { Deferred } from '../../src/broker/redis/link/deferred.js';
import { within } from '../support/within.js';
import type { FromNode, NodeConfig, ToNode } from './node/messages.js';

interface PresenceMember {
  readonly room: string;
  readonly user: string;
}

const TIMEOUT_MS = 60_000;

/** A Node process that runs one Nest application after the other. */
export class NodeProcess {
  url = '';
  state: BrokerState | undefined;
  /** The last output of a process that ended by itself. */
  failure: string | undefined;
  /** The changes of presence since `watchPresence`. */
  changes: PresenceChange[] = [];
  readonly #child: ChildProcess;
  readonly #answers: Deferred<FromNode>[] = [];
  #errors = '';
  #isKilled = false;

  constructor(main: string) {
    this.#child = fork(main, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.on('message', (message: FromNode) => this.#receive(message));
    this.#child.once('exit', (code) => {
      if (this.#isKilled) return;
      this.failure = `the node ended with ${code}: ${this.#errors.slice(-2_000)}`;
      for (const answer of this.#answers) answer.reject(new Error(this.failure));
    });
  }

  /** Starts an application. Resolves when it listens. */
  async start(config: NodeConfig): Promise<void> {
    const answer = await this.#request({ kind: 'start', config });
    if (answer.kind === 'started') this.url = answer.url;
  }

  /** Closes the application; the process goes on. */
  async stop(): Promise<void> {
    this.state = undefined;
    if (!this.#isKilled) await this.#request({ kind: 'stop' });
  }

  /** Resolves when the application receives the changes of presence in these rooms. */
  async watchPresence(rooms: readonly string[]): Promise<void> {
    this.changes = [];
    await this.#request({ kind: 'watch presence', rooms });
  }

  /** Resolves with the members that this node lists. */
  async listMembers(rooms: readonly string[]): Promise<readonly PresenceMember[]> {
    const answer = await this.#request({ kind: 'list members', rooms });
    return answer.kind === 'members' ? answer.members : [];
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

  async #request(message: ToNode): Promise<FromNode> {
    const answer = new Deferred<FromNode>();
    this.#answers.push(answer);
    this.#child.send(message);
    const answered = await within(answer.promise, `an answer to "${message.kind}"`, TIMEOUT_MS);
    if (answered.kind === 'failed') throw new Error(answered.message);
    return answered;
  }

  #receive(message: FromNode): void {
    if (message.kind === 'state') this.state = message.state;
    else if (message.kind === 'presence') this.changes.push(message.change);
    else if (message.kind !== 'loaded') this.#answers.shift()?.resolve(message);
  }
}
