import type {
  BrokerState,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  SseBroker,
} from '../broker/broker.interface.js';
import type { Position } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';

/** A memory, and the brokers on it. */
export interface BrokerMedium {
  /** A broker on this memory that is not started yet, as one more node would make it. */
  createNode(): SseBroker | Promise<SseBroker>;
  /** Clears up after a case; its brokers are closed by then. */
  dispose?(): unknown;
}

/** One case: what it does with a medium of its own. */
export type CaseBody = (bench: ContractHarness) => Promise<void>;

/** How a case's rooms are remembered; generous where a case says nothing. */
export interface HarnessPolicy {
  readonly maxEvents?: number;
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  /** Rooms that are not remembered. */
  readonly forgotten?: readonly string[];
}

export interface HarnessTimes {
  readonly patienceMs: number;
  readonly expiryWatchMs: number;
}

/** What a case works with: started brokers on one medium. */
export class ContractHarness {
  readonly #medium: BrokerMedium;
  readonly #nodes: HarnessNode[] = [];
  readonly times: HarnessTimes;

  constructor(medium: BrokerMedium, times: HarnessTimes) {
    this.#medium = medium;
    this.times = times;
  }

  /** One more started node. Resolves when its broker is `live`. */
  async node(policy: HarnessPolicy = {}): Promise<HarnessNode> {
    const node = new HarnessNode(await this.#medium.createNode(), this.times.patienceMs);
    this.#nodes.push(node);
    await node.start(policy);
    return node;
  }

  /** A broker that nobody has started. */
  async unstarted(): Promise<SseBroker> {
    return this.#medium.createNode();
  }

  async dispose(): Promise<void> {
    for (const node of this.#nodes) await node.broker.close();
    await this.#medium.dispose?.();
  }
}

/** A broker and everything that it has told its node. */
export class HarnessNode {
  readonly broker: SseBroker;
  readonly heard: RoomMessage[] = [];
  readonly told: string[] = [];
  readonly states: BrokerState[] = [];
  readonly #patienceMs: number;
  /** Called within `onMessage`, after the message was noted. */
  onMessage: (message: RoomMessage) => void = () => {};

  constructor(broker: SseBroker, patienceMs: number) {
    this.broker = broker;
    this.#patienceMs = patienceMs;
  }

  async start({ maxEvents = 10_000, maxAgeMs = 600_000, maxBytes = 2 ** 26, forgotten = [] }: HarnessPolicy) {
    const policy: HistoryPolicy = {
      maxBytes,
      limitsOf: (room) => !forgotten.includes(room) && { maxEvents, maxAgeMs },
    };
    await this.broker.start(policy, {
      onMessage: (message) => {
        this.heard.push(message);
        this.onMessage(message);
      },
      onStateChange: (state) => this.states.push(state),
      onEpochChange: () => {},
      onGap: () => {},
      onControl: (text) => this.told.push(text),
    });
    await this.until(() => this.states.at(-1) === 'live', 'the broker to be live');
  }

  get texts(): string[] {
    return this.heard.map(({ data }) => data);
  }

  get positions(): Position[] {
    return this.heard.map(({ position }) => position);
  }

  async subscribe(...rooms: string[]): Promise<void> {
    await Promise.all(rooms.map(async (room) => this.broker.subscribe(room)));
  }

  publish(
    room: string | readonly string[],
    data: string,
    options: PublishOptions = {},
  ): Promise<PublishReceipt> {
    const rooms = typeof room === 'string' ? [room] : room;
    return this.broker.publish(rooms, { data, serialized: false }, options);
  }

  /** `count` events, each published without waiting for the one before. */
  publishMany(room: string | readonly string[], count: number, prefix = ''): Promise<PublishReceipt[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => this.publish(room, `${prefix}${n}`)));
  }

  read(rooms: readonly string[], after: Position | undefined, newest?: number): Promise<HistoryPage> {
    return this.broker.read(rooms, after, newest);
  }

  /** Waits until this many messages have been heard. */
  hears(count: number): Promise<void> {
    return this.until(() => this.heard.length >= count, `${count} messages; heard: ${this.heard.length}`);
  }

  /** Publishes in a room that this node hears and waits for it: whatever was on its way before is here then. */
  async settle(room: string): Promise<void> {
    await this.subscribe(room);
    const { position } = await this.publish(room, 'settled', { volatile: false });
    await this.until(() => this.positions.includes(position), 'its own event');
    this.heard.splice(this.positions.indexOf(position), 1);
  }

  async until(condition: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
    const deadlineMs = performance.now() + this.#patienceMs;
    while (!(await condition())) {
      if (performance.now() > deadlineMs) {
        throw new Error(`Not within ${this.#patienceMs} ms: ${typeof what === 'string' ? what : what()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

export function textsOf(page: HistoryPage): string[] {
  return page.messages.map(({ data }) => data);
}

/** `0` to `count - 1`, as the texts of `publishMany`. */
export function numbers(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

export function isAscending(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] as number));
}
