import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { EXACT_PRESENCE, type PresenceVerdict } from '../oracle/presence-judge.js';
import { Traffic, type TrafficVerdict } from '../oracle/traffic.js';
import { ChaosClient } from './chaos-client.js';
import type { Fleet } from './fleet.js';
import { publishAt } from './http-publish.js';
import type { Mutant, NodeConfig } from './node/messages.js';
import type { Scenario } from './scenario.js';
import { PresenceWatch } from './presence-watch.js';
import { disposeServers, startServers, type Servers } from './servers.js';

export type ChaosVerdict = TrafficVerdict & PresenceVerdict;

/** The findings of a scenario without members. */
const NO_PRESENCE: PresenceVerdict = { presenceChanges: 0, ...EXACT_PRESENCE };

export interface RunOptions {
  readonly fleet: Fleet;
  readonly driver: RedisDriverName;
  readonly seed: number;
  /** The least duration of the traffic. */
  readonly durationMs: number;
  readonly mutant?: Mutant;
}

/** Runs one scenario: nodes, clients and publishers while the fault is injected, then judges what clients received. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ChaosVerdict> {
  const { fleet, seed, durationMs, mutant } = options;
  const servers = await startServers(scenario);
  try {
    await fleet.start((node) => configOf(node, scenario, servers, options));
    // A client that attaches earlier is given the epoch of a node that has not reached Redis yet.
    await fleet.allLive();
    let clientCount = 0;
    const hasPresence = scenario.hasPresence === true;
    const traffic = new Traffic({
      seed,
      durationMs,
      clients: 24,
      publishers: 4,
      pauseMs: 12,
      everyone: '*',
      hasTwoMasters: scenario.hasTwoMasters,
      createClient: (rooms, random) =>
        new ChaosClient({
          rooms,
          random,
          // Two clients of each user.
          user: hasPresence ? `user ${clientCount++ % 12}` : undefined,
          anyUrl: () => fleet.any(random).url,
        }),
      publish: (rooms, text, random) => publishAt(fleet.any(random).url, rooms, text),
    });
    const presence = hasPresence ? await PresenceWatch.start(fleet, traffic.rooms) : undefined;
    let presenceVerdict: PresenceVerdict | undefined;
    try {
      await scenario.prepare?.({ ...servers, fleet, traffic });
      await traffic.run(() => scenario.fault({ ...servers, fleet, traffic }));
      await fleet.allLive();
      await traffic.publishLast(30_000);
      presenceVerdict = await presence?.judge(traffic.clients, mutant === undefined ? undefined : 8_000);
    } finally {
      presence?.close();
      for (const client of traffic.clients) client.detach();
      await fleet.stop();
    }
    return { ...traffic.judge(), ...NO_PRESENCE, ...presenceVerdict };
  } finally {
    await disposeServers(servers);
  }
}

function configOf(
  node: number,
  scenario: Scenario,
  { proxies, sentinels, split }: Servers,
  { driver, mutant }: RunOptions,
): NodeConfig {
  return {
    platform: node === 1 ? 'fastify' : 'express',
    broker: {
      url: split === undefined ? proxies[node]?.url : undefined,
      driver,
      connectTimeoutMs: 3_000,
      publishTimeoutMs: 1_500,
      probeIntervalMs: 400,
      ...scenario.broker,
    },
    sentinels: sentinels?.ports,
    ...split?.connectionOf(node),
    hasPresence: scenario.hasPresence,
    historyMaxEvents: scenario.historyMaxEvents ?? 5_000,
    clockShiftMs: scenario.clockShiftsMs?.[node] ?? 0,
    mutant,
  };
}
