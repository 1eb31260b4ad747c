import { hasReceived } from '../oracle/traffic-client.js';
import type { RedisServer } from '../redis/redis-server.js';
import { waitForCopy, waitForSync } from '../redis/replica.js';
import { splitMasters } from '../redis/two-masters.js';
import { eventually, pause } from '../support/within.js';
import { publishAt } from './http-publish.js';
import type { Scenario, ScenarioRun } from './scenario.js';

/** Injects a fault at least once, and again until there was enough traffic. */
export function repeat(everyMs: number, fault: (run: ScenarioRun) => Promise<unknown>): Scenario['fault'] {
  return async (run) => {
    do {
      await pause(everyMs);
      await fault(run);
    } while (!run.traffic.isEnough());
  };
}

/** Cuts the connections of one type. */
export function cut(type: 'pubsub' | 'normal'): (run: ScenarioRun) => Promise<unknown> {
  return ({ redis }) => redis.command('CLIENT', 'KILL', 'TYPE', type);
}

export async function restart({ redis }: ScenarioRun): Promise<void> {
  await redis.restart();
}

/**
 * Moves the broker's positions five minutes ahead, as if the clock of Redis had been ahead until now. Later positions
 * are greater and no longer correspond to the time. Both events are recorded: a slow node may deliver them to clients
 * that attach afterwards.
 */
export async function setClockAhead({ redis, traffic }: ScenarioRun): Promise<void> {
  // The first event creates the epoch, the second brings the new position to all nodes.
  await traffic.publisher.publish(['*'], 'before');
  const script = `
    local memory, time = redis.call('KEYS', '*:m')[1], redis.call('TIME')
    redis.call('HSET', memory, 'g', string.format('%.0f', (time[1] + 300) * 1000000))
    return 'OK'`;
  await redis.command('EVAL', script, '0');
  await traffic.publisher.publish(['*'], 'ahead');
}

/** Injects a fault that takes events from detached clients, and that a replica does not receive. */
export async function loseEvents(
  { traffic, replica }: ScenarioRun,
  fault: () => Promise<unknown>,
): Promise<void> {
  const detached = await traffic.holdDetached(8);
  if (replica !== undefined) {
    await waitForCopy(replica);
    await replica.command('REPLICAOF', 'NO', 'ONE');
  }
  await detached.published(10);
  await fault();
  detached.release();
}

/** Lets two masters accept events at the same time, each time with another node on the new one. */
export async function splitRepeatedly({
  redis,
  replica,
  proxies,
  fleet,
  traffic,
}: ScenarioRun): Promise<void> {
  let masters = [redis, replica as RedisServer] as const;
  for (let first = 0; ; first++) {
    const [master, promoted] = masters;
    const nodes = [...proxies.slice(first % proxies.length), ...proxies.slice(0, first % proxies.length)];
    await splitMasters({ redis: master, replica: promoted, proxies: nodes });
    await fleet.allLive();
    if (traffic.isEnough()) return;
    masters = [promoted, master];
    await waitForSync(master);
  }
}

/** The same with servers that promote the replica themselves, and nodes that find it themselves. */
export async function splitServersRepeatedly({ split, fleet, traffic }: ScenarioRun): Promise<void> {
  for (;;) {
    // Clients that stay on the new master the whole time are given a gap only by the notices of the other nodes.
    const attached = await traffic.holdAttached(16);
    await split?.split();
    const enough = traffic.publisher.count + 300;
    await eventually(() => traffic.publisher.count > enough, '300 events', 60_000);
    await split?.heal();
    await fleet.allLive();
    attached.release();
    if (traffic.isEnough()) return;
  }
}

/** Kills a node when Redis has accepted its event and before the node knows; the publisher retries on another node. */
export async function killPublishingNode({ fleet, proxies, traffic }: ScenarioRun): Promise<void> {
  const text = `during the kill ${Math.random()}`;
  proxies[0]?.mute();
  const published = traffic.publisher.publish(['*'], text, () => publishAt(fleet.node(0).url, ['*'], text));
  const isReceived = (): boolean => traffic.clients.some((client) => hasReceived(client, text, 200));
  await eventually(isReceived, 'the event', 60_000);
  await fleet.node(0).kill();
  await published;
  await fleet.restart(0);
}
