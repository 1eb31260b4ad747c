import { createRedisBroker } from '../../src/broker/redis/create-redis-broker.js';
import { resolveRedisOptions } from '../../src/broker/redis/redis-broker-options.js';
import { parsePresenceEvent } from '../../src/protocol/presence-event.js';
import type { BrokerState, PresenceStore, SseBroker } from 'nestjs-simple-sse';
import type { RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import type { PresenceTimes } from '../../src/broker/redis/presence/redis-presence-context.js';
import { eventually } from '../support/within.js';
import type { RedisServer } from './redis-server.js';

/** A lease that outlasts every test: what runs out does so because a spec says so. */
export const TIMES: PresenceTimes = {
  heartbeatMs: 50,
  leaseMs: 600_000,
  claimMs: 2_000,
  cleanUpDelayMs: 100,
};

/** The broker of `redisBroker`, with times that are not for everybody. */
export function brokerOf(
  options: RedisBrokerOptions,
  times: PresenceTimes,
): SseBroker & { readonly presence: PresenceStore } {
  const broker = createRedisBroker(resolveRedisOptions(options), times);
  if ('partitions' in broker || broker.presence === undefined)
    throw new Error('one broker with presence was expected');
  return Object.assign(broker, { presence: broker.presence });
}

/** A node with who is where, and nothing else. */
export class PresenceNode {
  readonly broker: SseBroker & { readonly presence: PresenceStore };
  readonly changes: string[] = [];
  readonly users = new Map<string, number>();
  state: BrokerState = 'down';

  constructor(options: RedisBrokerOptions, times: Partial<PresenceTimes> = {}) {
    this.broker = brokerOf(options, { ...TIMES, ...times });
  }

  /** @param rooms whose changes it hears */
  async start(...rooms: string[]): Promise<this> {
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
    // Without Redis it comes later, or never.
    subscribed.catch(() => {});
    if (this.state === 'live') await subscribed;
    return this;
  }

  has(user: string, connections: number | undefined, room = 'a'): void {
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

  /** Waits until the room has exactly these members, and as many: `ann 2` for two connections. */
  async sees(...wanted: string[]): Promise<void> {
    const connections = wanted.reduce((sum, text) => sum + Number(text.split(' ').at(-1)), 0);
    const all = [...wanted.toSorted(), `${wanted.length} users`, `${connections} connections`].join();
    let found = '';
    try {
      await eventually(async () => (found = await this.#whatIs()) === all, 'the members');
    } catch (cause) {
      throw new Error(`wanted ${all}; found ${found}`, { cause });
    }
  }

  async #whatIs(): Promise<string> {
    try {
      const members = await this.members();
      const { users, connections } = await this.broker.presence.count('a');
      return [...members, `${users} users`, `${connections} connections`].join();
    } catch (error) {
      return String(error);
    }
  }

  /** As a node whose machine is gone: it says nothing any more, and no goodbye. */
  async dies(): Promise<void> {
    await this.broker.close();
  }

  async closes(graceMs: number): Promise<void> {
    await this.broker.presence.close(graceMs);
    await this.broker.close();
  }
}

/** What the nodes of now hold their leases under. */
export async function leases(server: RedisServer): Promise<string[]> {
  const script = `return table.concat(redis.call('ZRANGE', 'sse:{0}:pl', '0', '-1'), ' ')`;
  const names = await server.command('EVAL', script, '0');
  return names === '' ? [] : names.split(' ');
}

/** As if the node had been away for longer than its lease; without a name, as if all had. */
export async function lapse(server: RedisServer, ...names: string[]): Promise<void> {
  const script = `
    local names = #ARGV > 0 and ARGV or redis.call('ZRANGE', KEYS[1], '0', '-1')
    for _, name in ipairs(names) do redis.call('ZADD', KEYS[1], 'XX', '1', name) end
    return 'OK'`;
  await server.command('EVAL', script, '1', 'sse:{0}:pl', ...names);
}
