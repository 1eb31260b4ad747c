import type { BrokerState, HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import type { Follower } from './follower.js';

/** A broker with clients, as much of a hub as the oracle needs. */
export class OracleNode {
  readonly broker: SseBroker;
  readonly followers = new Set<Follower>();
  readonly states: BrokerState[] = [];
  readonly #policy: HistoryPolicy;
  readonly #members = new Map<string, { count: number; subscribed: Promise<unknown> }>();
  #newest = 0;
  /** How often it was told of an event that was not newer than the one before. */
  disorder = 0;

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
        if (message.position <= this.#newest) this.disorder++;
        this.#newest = message.position;
        for (const follower of this.followers) follower.hear(message);
      },
      onStateChange: (state) => this.states.push(state),
      onEpochChange: (epoch) => {
        this.#newest = 0;
        for (const follower of this.followers) follower.epochChange(epoch);
      },
      onGap: (rooms) => {
        for (const follower of this.followers) follower.gap(rooms);
      },
    });
  }

  enter(room: string): Promise<unknown> {
    const members = this.#members.get(room);
    if (members !== undefined) {
      members.count++;
      return members.subscribed;
    }
    const subscribed = Promise.resolve(this.broker.subscribe(room));
    subscribed.catch(() => {});
    this.#members.set(room, { count: 1, subscribed });
    return subscribed;
  }

  exit(room: string): void {
    const members = this.#members.get(room);
    if (members === undefined || --members.count > 0) return;
    this.#members.delete(room);
    void this.broker.unsubscribe(room);
  }
}
