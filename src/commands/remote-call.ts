import type { BrokerNode, ControlChannel } from '../broker/control-channel.interface.js';
import { messageOf } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import {
  encodeControl,
  type CommandAction,
  type RemoteAnswer,
  type RemoteCommand,
} from './remote-command-codec.js';
import type { CommandTarget } from './command-target.js';
import type { RefusedJoin } from './room-changes.interface.js';

/**
 * Time after which a command is published again, in milliseconds. A node that was reconnecting may have missed it, or its
 * answer may be lost.
 */
const REPEAT_MS = 500;

interface CallOptions {
  /** Time for which the answers are awaited, in milliseconds. */
  readonly waitMs: number;
  readonly listsFirst: boolean;
}

/**
 * One command of this node, from its publish to the answers of all nodes.
 *
 * Two sources name the nodes. The list of nodes has the ones that are alive, with their names; the broker counts the ones
 * that a message was passed to. The count covers a list that Redis has just lost. It may be too high for a connection that
 * broke without notice, so it only delays the result until the command has been published again.
 */
export class RemoteCall {
  readonly #channel: ControlChannel;
  readonly #command: Omit<RemoteCommand, 'copy'>;
  readonly #ended = new AbortController();
  readonly #answers = new Map<string, RemoteAnswer>();
  #nodes: readonly BrokerNode[] | undefined;
  #passedTo = 0;
  #publishes = 0;
  #isPublishing = false;
  #isSettled = false;
  #failure: unknown;
  readonly #listsFirst: boolean;
  readonly #settled: Promise<() => number>;
  #settle!: (outcome: () => number) => void;

  /** @param listsFirst true where this node may not receive answers before it has listed the nodes */
  constructor(
    channel: ControlChannel,
    to: CommandTarget,
    action: CommandAction,
    { waitMs, listsFirst }: CallOptions,
  ) {
    this.#channel = channel;
    this.#command = { call: crypto.randomUUID(), from: channel.nodeId, waitMs, to, action };
    this.#listsFirst = listsFirst;
    this.#settled = new Promise((resolve) => {
      this.#settle = (outcome) => {
        this.#isSettled = true;
        // A copy that waits for a connection must not come after the commands that follow this one.
        this.#ended.abort('settled');
        resolve(outcome);
      };
    });
  }

  get id(): string {
    return this.#command.call;
  }

  /**
   * @returns the number of streams that the command has reached, once all nodes have answered
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  async run(): Promise<number> {
    const repeat = setInterval(() => void this.#publish(), REPEAT_MS).unref();
    const deadline = setTimeout(() => this.#settle(() => this.#giveUp()), this.#command.waitMs).unref();
    void this.#publish();
    try {
      const outcome = await this.#settled;
      return outcome();
    } finally {
      clearInterval(repeat);
      clearTimeout(deadline);
    }
  }

  /** Rooms that a stream could not join. */
  get refused(): RefusedJoin[] {
    return [...this.#answers.values()].flatMap(({ refused = [] }) => refused);
  }

  receive(answer: RemoteAnswer): void {
    this.#answers.set(answer.node, answer);
    this.#check();
    // No node has the client, as far as the broker knows of them.
    if (this.#isSettled || this.#nodes !== undefined || this.#isPublishing || this.#awaitsAnswers) return;
    this.#list().then(
      () => this.#check(),
      (error: unknown) => this.#failed(error),
    );
  }

  /**
   * Publishes the command. The nodes are listed afterwards: Redis would else list them before it passes the command on. A node
   * that started in between has not received it; it is listed, and receives the second publish.
   */
  async #publish(): Promise<void> {
    if (this.#isPublishing || this.#isSettled) return;
    this.#publishes++;
    this.#isPublishing = true;
    try {
      if (this.#listsFirst) await this.#list();
      const text = encodeControl({ ...this.#command, copy: this.#publishes });
      this.#passedTo = (await this.#channel.publishControl(text, undefined, this.#ended.signal)) ?? 0;
      if (this.#needsList) await this.#list();
      this.#check();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isPublishing = false;
    }
  }

  /** Returns true where the list of nodes, after a publish, is needed before their answers. */
  get #needsList(): boolean {
    if (this.#isSettled) return false;
    // The node of a client most often answers before the list. With the next publish it is needed to name silent nodes.
    const isLater = this.#isOfOne && this.#awaitsAnswers && this.#command.waitMs > REPEAT_MS;
    return this.#publishes > 1 || (this.#nodes === undefined && !isLater);
  }

  /** True while less nodes have answered than the command was passed to. */
  get #awaitsAnswers(): boolean {
    return this.#publishes === 1 && this.#answers.size < this.#passedTo;
  }

  /** True for the command to one client, which is on one node. */
  get #isOfOne(): boolean {
    return this.#command.to.client !== undefined;
  }

  async #list(): Promise<void> {
    this.#nodes = await this.#channel.nodes();
  }

  #failed(error: unknown): void {
    // Until the deadline the connection may come back.
    this.#failure = error;
    if (error instanceof SseError && error.code === 'broker-closed') this.#settle(() => rethrow(error));
  }

  /** Settles the call if every node has answered; for a client's id as soon as its node has. */
  #check(): void {
    const hasReached = this.#isOfOne && this.#failures.length === 0 && this.#reached > 0;
    if (hasReached) return this.#settle(() => this.#reached);
    if (this.#silent === undefined || this.#silent.length > 0) return;
    if (!this.#awaitsAnswers) this.#settle(() => this.#result());
  }

  /** Nodes that have not answered; `undefined` until the nodes are known. */
  get #silent(): BrokerNode[] | undefined {
    return this.#nodes?.filter(({ id }) => !this.#answers.has(id));
  }

  get #failures(): RemoteAnswer[] {
    return [...this.#answers.values()].filter(({ failed }) => failed !== undefined);
  }

  get #reached(): number {
    return Array.from(this.#answers.values(), ({ reached }) => reached).reduce((sum, each) => sum + each, 0);
  }

  #result(): number {
    const failed = this.#failures;
    if (failed.length === 0) return this.#reached;
    const reasons = failed.map(({ node, failed: reason }) => `${this.#nameOf(node)} (${reason})`).join(', ');
    const code = failed.every((answer) => answer.code === failed[0]?.code) ? failed[0]?.code : undefined;
    if (code === undefined) throw this.#unavailable(`was not done on ${reasons}. ${this.#restWasDone()}`);
    throw new SseError(code, `${reasons} ${this.#reached} streams are in the room.`);
  }

  #giveUp(): never {
    const { waitMs } = this.#command;
    if (this.#silent === undefined || this.#silent.length === 0) {
      const reason = this.#failure === undefined ? '' : ` ${messageOf(this.#failure)}`;
      throw this.#unavailable(`was not confirmed within ${waitMs} ms. It may be done or not.${reason}`);
    }
    const names = this.#silent.map(({ name }) => name).join(', ');
    throw this.#unavailable(
      `was not confirmed within ${waitMs} ms by ${names}, where it may be done or not. ${this.#restWasDone()}`,
    );
  }

  #restWasDone(): string {
    const done = [...this.#answers.values()].filter(({ failed }) => failed === undefined);
    const others = done.length === 1 ? '1 other node' : `${done.length} other nodes`;
    return done.length === 0
      ? 'No other node has done it.'
      : `It is done on ${others}, where it reached ${this.#reached} streams.`;
  }

  #nameOf(id: string): string {
    return this.#nodes?.find((node) => node.id === id)?.name ?? id;
  }

  #unavailable(reason: string): SseError {
    return new SseError('broker-unavailable', `The command ${this.#command.action.do} ${reason}`, {
      cause: this.#failure,
    });
  }
}

function rethrow(error: unknown): never {
  throw error;
}
