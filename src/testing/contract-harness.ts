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

/** An empty backend for one case, and the brokers on it. */
export interface BrokerFixture {
  /** Creates a broker on this backend, as one more node would. It is not started yet. */
  createBroker(): SseBroker | Promise<SseBroker>;
  /** Releases the backend after the case. The brokers of the case are closed before. */
  dispose?(): unknown;
}

/** The body of one case. Each case gets a harness with a fixture of its own. */
export type CaseBody = (harness: ContractHarness) => Promise<void>;

/** History limits of a case's rooms. The defaults are high enough to trim nothing. */
export interface HarnessPolicy {
  readonly maxEvents?: number;
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  /** Rooms for which `limitsOf` returns `false`. */
  readonly withoutHistory?: readonly string[];
}

export interface HarnessTimeouts {
  readonly timeoutMs: number;
  readonly expiryWatchMs: number;
}

/** Starts the brokers of one case on one fixture, and closes them afterwards. */
export class ContractHarness {
  readonly #fixture: BrokerFixture;
  readonly #nodes: HarnessNode[] = [];
  readonly timeouts: HarnessTimeouts;

  constructor(fixture: BrokerFixture, timeouts: HarnessTimeouts) {
    this.#fixture = fixture;
    this.timeouts = timeouts;
  }

  /** Starts one more node. Resolves when its broker is `live`. */
  async node(policy: HarnessPolicy = {}): Promise<HarnessNode> {
    const node = new HarnessNode(await this.#fixture.createBroker(), this.timeouts.timeoutMs);
    this.#nodes.push(node);
    await node.start(policy);
    return node;
  }

  /** Creates a broker without starting it. */
  async unstartedBroker(): Promise<SseBroker> {
    return this.#fixture.createBroker();
  }

  async dispose(): Promise<void> {
    for (const node of this.#nodes) await node.broker.close();
    await this.#fixture.dispose?.();
  }
}

/** A broker, and a record of every call to its listener. */
export class HarnessNode {
  readonly broker: SseBroker;
  readonly received: RoomMessage[] = [];
  readonly controlTexts: string[] = [];
  readonly states: BrokerState[] = [];
  readonly #timeoutMs: number;
  /** Called inside the listener's `onMessage`, after the message was recorded. */
  onMessage: (message: RoomMessage) => void = () => {};

  constructor(broker: SseBroker, timeoutMs: number) {
    this.broker = broker;
    this.#timeoutMs = timeoutMs;
  }

  async start({
    maxEvents = 10_000,
    maxAgeMs = 600_000,
    maxBytes = 2 ** 26,
    withoutHistory = [],
  }: HarnessPolicy) {
    const policy: HistoryPolicy = {
      maxBytes,
      limitsOf: (room) => !withoutHistory.includes(room) && { maxEvents, maxAgeMs },
    };
    await this.broker.start(policy, {
      onMessage: (message) => {
        this.received.push(message);
        this.onMessage(message);
      },
      onStateChange: (state) => this.states.push(state),
      onEpochChange: () => {},
      onGap: () => {},
      onControl: (text) => void this.controlTexts.push(text),
    });
    await this.until(() => this.states.at(-1) === 'live', 'the broker to be live');
  }

  get texts(): string[] {
    return this.received.map(({ data }) => data);
  }

  get positions(): Position[] {
    return this.received.map(({ position }) => position);
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

  /** Publishes `count` events without waiting between them. Their texts are `prefix` and `0` to `count - 1`. */
  publishMany(room: string | readonly string[], count: number, prefix = ''): Promise<PublishReceipt[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => this.publish(room, `${prefix}${n}`)));
  }

  read(rooms: readonly string[], after: Position | undefined, newest?: number): Promise<HistoryPage> {
    return this.broker.read(rooms, after, newest);
  }

  /** Waits until at least this many messages have been received. */
  receives(count: number): Promise<void> {
    return this.until(
      () => this.received.length >= count,
      `${count} messages; received: ${this.received.length}`,
    );
  }

  /** Publishes an event to `room` and waits until it arrives: everything published before has then arrived too. */
  async settle(room: string): Promise<void> {
    await this.subscribe(room);
    const { position } = await this.publish(room, 'settled', { volatile: false });
    await this.until(() => this.positions.includes(position), 'its own event');
    this.received.splice(this.positions.indexOf(position), 1);
  }

  async until(condition: () => boolean | Promise<boolean>, expected: string | (() => string)): Promise<void> {
    const deadlineMs = performance.now() + this.#timeoutMs;
    while (!(await condition())) {
      if (performance.now() > deadlineMs) {
        throw new Error(
          `Not within ${this.#timeoutMs} ms: ${typeof expected === 'string' ? expected : expected()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

export function textsOf(page: HistoryPage): string[] {
  return page.messages.map(({ data }) => data);
}

/** Returns the texts that `publishMany` publishes: `prefix` and `0` to `count - 1`. */
export function numbers(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

export function isAscending(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] as number));
}
