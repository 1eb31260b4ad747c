import type { BrokerState, HistoryPolicy, RoomMessage, SseBroker } from 'nestjs-simple-sse';

/** A client of a node, which receives everything that the node's broker reports. */
export interface NodeClient {
  receive(message: RoomMessage): void;
  receiveEpoch(epoch: string): void;
  receiveGap(rooms: readonly string[]): void;
}

/** A broker and its clients: as much of the SSE hub as the oracle needs. */
export class BrokerNode {
  readonly broker: SseBroker;
  readonly clients = new Set<NodeClient>();
  readonly states: BrokerState[] = [];
  readonly #policy: HistoryPolicy;
  readonly #rooms = new Map<string, { clients: number; subscribed: Promise<unknown> }>();
  #newest = 0;
  /** The number of events that the broker delivered and that were not newer than the one before. */
  outOfOrder = 0;

  constructor(broker: SseBroker, policy: HistoryPolicy) {
    this.broker = broker;
    this.#policy = policy;
  }

  get state(): BrokerState | undefined {
    return this.states.at(-1);
  }

  async start(): Promise<void> {
    await this.broker.start(this.#policy, {
      onMessage: (message) => {
        if (message.position <= this.#newest) this.outOfOrder++;
        this.#newest = message.position;
        for (const client of this.clients) client.receive(message);
      },
      onStateChange: (state) => this.states.push(state),
      onEpochChange: (epoch) => {
        this.#newest = 0;
        for (const client of this.clients) client.receiveEpoch(epoch);
      },
      onGap: (rooms) => {
        for (const client of this.clients) client.receiveGap(rooms);
      },
    });
  }

  /** Adds a client to a room. Resolves when the broker is subscribed to it. */
  join(room: string): Promise<unknown> {
    const joined = this.#rooms.get(room);
    if (joined !== undefined) {
      joined.clients++;
      return joined.subscribed;
    }
    const subscribed = Promise.resolve(this.broker.subscribe(room));
    subscribed.catch(() => {});
    this.#rooms.set(room, { clients: 1, subscribed });
    return subscribed;
  }

  leave(room: string): void {
    const joined = this.#rooms.get(room);
    if (joined === undefined || --joined.clients > 0) return;
    this.#rooms.delete(room);
    void this.broker.unsubscribe(room);
  }
}
