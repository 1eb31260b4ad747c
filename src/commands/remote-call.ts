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

/**
 * One command of this node, from its publish to the answers of all nodes.
 *
 * Two sources name the nodes. The list of nodes has the ones that are alive, with their names; the broker counts the ones
 * that a message was passed to. The count covers a list that Redis has just lost. It may be too high for a connection that
 * broke without notice, so it only delays the result until the command has been published again.
 */
export class RemoteCall {
  readonly #channel: ControlChannel;
  readonly #command: RemoteCommand;
  readonly #answers = new Map<string, RemoteAnswer>();
  #nodes: readonly BrokerNode[] | undefined;
  #passedTo = 0;
  #publishes = 0;
  #isPublishing = false;
  #failure: unknown;
  #settle!: (outcome: () => number) => void;

  constructor(channel: ControlChannel, to: CommandTarget, action: CommandAction, waitMs: number) {
    this.#channel = channel;
    this.#command = { call: crypto.randomUUID(), from: channel.nodeId, waitMs, to, action };
  }

  get id(): string {
    return this.#command.call;
  }

  /**
   * @returns the number of streams that the command has reached, once all nodes have answered
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  async run(): Promise<number> {
    const settled = new Promise<() => number>((resolve) => (this.#settle = resolve));
    const repeat = setInterval(() => void this.#publish(), REPEAT_MS).unref();
    const deadline = setTimeout(() => this.#settle(() => this.#giveUp()), this.#command.waitMs).unref();
    void this.#publish();
    try {
      const outcome = await settled;
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
  }

  async #publish(): Promise<void> {
    if (this.#isPublishing) return;
    this.#publishes++;
    this.#isPublishing = true;
    try {
      const [nodes, passedTo] = await Promise.all([
        this.#channel.nodes(),
        this.#channel.publishControl(encodeControl(this.#command)),
      ]);
      this.#nodes = nodes;
      this.#passedTo = passedTo ?? 0;
      this.#check();
    } catch (error) {
      // Until the deadline the connection may come back.
      this.#failure = error;
      if (error instanceof SseError && error.code === 'broker-closed') this.#settle(() => rethrow(error));
    } finally {
      this.#isPublishing = false;
    }
  }

  /** Settles the call if every node has answered; for a client's id as soon as its node has. */
  #check(): void {
    // A client is on one node.
    const isOfOne = this.#command.to.client !== undefined && this.#failed.length === 0;
    if (isOfOne && this.#reached > 0) return this.#settle(() => this.#reached);
    if (this.#silent === undefined || this.#silent.length > 0) return;
    if (this.#answers.size >= this.#passedTo || this.#publishes > 1) this.#settle(() => this.#result());
  }

  /** Nodes that have not answered; `undefined` until the nodes are known. */
  get #silent(): BrokerNode[] | undefined {
    return this.#nodes?.filter(({ id }) => !this.#answers.has(id));
  }

  get #failed(): RemoteAnswer[] {
    return [...this.#answers.values()].filter(({ failed }) => failed !== undefined);
  }

  get #reached(): number {
    return Array.from(this.#answers.values(), ({ reached }) => reached).reduce((sum, each) => sum + each, 0);
  }

  #result(): number {
    const failed = this.#failed;
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
