import { createRedisBroker } from '../../../src/broker/redis/create-redis-broker.js';
import { resolveRedisOptions } from '../../../src/broker/redis/redis-broker-options.js';
import { parsePresenceEvent } from '../../../src/protocol/presence-event.js';
import type { BrokerState, PresenceStore, SseBroker } from 'nestjs-simple-sse';
import type { RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import type { PresenceTimes } from '../../../src/broker/redis/presence/redis-presence-context.js';
import { eventually } from '../../support/within.js';
import type { RedisServer } from '../redis-server.js';

/** Times with a lease that outlasts every test, so that leases expire only by `expireLeases`. */
export const TIMES: PresenceTimes = {
  heartbeatMs: 50,
  leaseMs: 600_000,
  claimMs: 2_000,
  cleanUpDelayMs: 100,
};

/** Creates the broker of `redisBroker` with other presence times. */
export function brokerOf(
  options: RedisBrokerOptions,
  times: PresenceTimes,
): SseBroker & { readonly presence: PresenceStore } {
  const broker = createRedisBroker(resolveRedisOptions(options), times);
  if ('partitions' in broker || broker.presence === undefined)
    throw new Error('one broker with presence was expected');
  return Object.assign(broker, { presence: broker.presence });
}

/** A node with presence and nothing else. */
export class PresenceNode {
  readonly broker: SseBroker & { readonly presence: PresenceStore };
  readonly changes: string[] = [];
  readonly users = new Map<string, number>();
  state: BrokerState = 'down';

  constructor(options: RedisBrokerOptions, times: Partial<PresenceTimes> = {}) {
    this.broker = brokerOf(options, { ...TIMES, ...times });
  }

  /**
   * Settles when the node receives the changes of its rooms.
   *
   * @param rooms the rooms whose changes are recorded
   */
  async start(...rooms: string[]): Promise<this> {
    const subscribed = await this.#begin(rooms);
    // The first attempt to connect may take longer than its deadline.
    await eventually(() => this.state === 'live', 'the connection');
    await subscribed();
    return this;
  }

  /** As `start`, and settles while Redis cannot be reached. */
  async startWithoutRedis(...rooms: string[]): Promise<this> {
    await this.#begin(rooms);
    return this;
  }

  /** Sets the number of a user's connections on this node; `undefined` removes the user. */
  setConnections(user: string, connections: number | undefined, room = 'a'): void {
    if (connections === undefined) this.users.delete(user);
    else this.users.set(user, connections);
    this.broker.presence.set(
      room,
      user,
      connections === undefined ? undefined : { connections, info: undefined },
    );
  }

  async members(room = 'a'): Promise<string[]> {
    const members = await this.broker.presence.members(room);
    return members.map(({ user, connections }) => `${user} ${connections}`).toSorted();
  }

  /** Waits until room `a` has exactly these members and counts: `ann 2` for two connections. */
  async waitForMembers(...expected: string[]): Promise<void> {
    const connections = expected.reduce((sum, text) => sum + Number(text.split(' ').at(-1)), 0);
    const all = [...expected.toSorted(), `${expected.length} users`, `${connections} connections`].join();
    let found = '';
    try {
      await eventually(async () => (found = await this.#describeRoom()) === all, 'the members');
    } catch (cause) {
      throw new Error(`expected ${all}; found ${found}`, { cause });
    }
  }

  /** @returns a function that waits for the subscriptions */
  async #begin(rooms: readonly string[]): Promise<() => Promise<unknown>> {
    await this.broker.start(
      { maxBytes: 1_000_000, limitsOf: () => false },
      {
        onMessage: (message) => {
          const change = parsePresenceEvent(message);
          this.changes.push(`${change?.type} ${change?.user}`);
        },
        onStateChange: (state) => (this.state = state),
        onEpochChange: () => {},
        onGap: () => {},
      },
    );
    this.broker.presence.open();
    const subscribed = Promise.all(rooms.map(async (room) => this.broker.subscribe(room)));
    // Without Redis they are confirmed later or never.
    subscribed.catch(() => {});
    return () => subscribed;
  }

  async #describeRoom(): Promise<string> {
    try {
      const members = await this.members();
      const { users, connections } = await this.broker.presence.count('a');
      return [...members, `${users} users`, `${connections} connections`].join();
    } catch (error) {
      return String(error);
    }
  }

  /** Ends the node as a crash does, without removing its members. */
  async crash(): Promise<void> {
    await this.broker.close();
  }

  /** Closes the node as an application does on shutdown. */
  async close(graceMs: number): Promise<void> {
    await this.broker.presence.close(graceMs);
    await this.broker.close();
  }
}

/** Returns the names of all leases. */
export async function leases(server: RedisServer): Promise<string[]> {
  const script = `return table.concat(redis.call('ZRANGE', 'sse:{0}:pl', '0', '-1'), ' ')`;
  const names = await server.command('EVAL', script, '0');
  return names === '' ? [] : names.split(' ');
}

/** Expires these leases, or all of them where no name is given. */
export async function expireLeases(server: RedisServer, ...names: string[]): Promise<void> {
  const script = `
    local names = #ARGV > 0 and ARGV or redis.call('ZRANGE', KEYS[1], '0', '-1')
    for _, name in ipairs(names) do redis.call('ZADD', KEYS[1], 'XX', '1', name) end
    return 'OK'`;
  await server.command('EVAL', script, '1', 'sse:{0}:pl', ...names);
}
