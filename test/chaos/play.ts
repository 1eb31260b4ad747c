import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { Traffic } from '../redis/traffic.js';
import { compare, type Verdict } from '../redis/verdict.js';
import { eventually } from '../support/within.js';
import type { Fleet } from './fleet.js';
import { publishAt } from './http-publish.js';
import type { Mutant, NodeConfig } from './node/messages.js';
import { RoamingClient } from './roaming-client.js';
import type { Row } from './rows.js';
import { setStage, strikeStage, type Stage } from './scene.js';

export interface PlayOptions {
  readonly fleet: Fleet;
  readonly driver: RedisDriverName;
  readonly seed: number;
  /** How long there is traffic at least. */
  readonly durationMs: number;
  readonly mutant?: Mutant;
}

/** Plays one row: nodes, clients and publishers while the fault is done, and then the judgement. */
export async function play(row: Row, options: PlayOptions): Promise<Verdict> {
  const { fleet, seed, durationMs } = options;
  const stage = await setStage(row);
  try {
    await fleet.start((node) => configOf(node, row, stage, options));
    // Before that, an epoch would be told that no memory has.
    await fleet.allLive();
    const traffic: Traffic<RoamingClient> = new Traffic({
      seed,
      durationMs,
      followers: 24,
      publishers: 4,
      pauseMs: 12,
      everyone: '*',
      createListener: (rooms, random) =>
        new RoamingClient({
          rooms,
          random,
          anyUrl: () => fleet.any(random).url,
          roomsOf: (text) => traffic.roomsOf(text),
        }),
      publish: (rooms, text, random) => publishAt(fleet.any(random).url, rooms, text),
    });
    try {
      await row.prepare?.({ ...stage, fleet, traffic });
      await traffic.run((running) => row.fault({ ...stage, fleet, traffic: running }));
      await fleet.allLive();
      await tellTheLast(traffic);
    } finally {
      for (const client of traffic.followers) client.leave();
      await fleet.stop();
    }
    const { followers, log, rejected } = traffic;
    return { ...compare(followers, log), rejected, published: log.length };
  } finally {
    await strikeStage(stage);
  }
}

function configOf(node: number, row: Row, { proxies, sentinels }: Stage, options: PlayOptions): NodeConfig {
  return {
    platform: node === 1 ? 'fastify' : 'express',
    broker: {
      url: proxies[node]?.url,
      driver: options.driver,
      connectTimeoutMs: 3_000,
      publishTimeoutMs: 1_500,
      probeIntervalMs: 400,
      ...row.broker,
    },
    sentinels: sentinels?.ports,
    historyMaxEvents: row.historyMaxEvents ?? 5_000,
    clockShiftMs: row.clockShiftsMs?.[node] ?? 0,
    mutant: options.mutant,
  };
}

/** Ends with an event in each room, which everybody is to be told: until then something may be on its way. */
async function tellTheLast(traffic: Traffic<RoamingClient>): Promise<void> {
  await Promise.all(traffic.rooms.map((room) => traffic.publish([room], `last of ${room}`)));
  // Where even these are lost, the judgement says so.
  await eventually(() => traffic.followers.every(hasLast), 'the last events', 30_000).catch(() => {});
}

function hasLast({ rooms, told }: RoamingClient): boolean {
  return rooms.every(
    (room) => room === '*' || told.some((one) => one.kind === 'event' && one.text === `last of ${room}`),
  );
}
