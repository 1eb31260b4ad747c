import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { eventually } from '../support/within.js';
import { BrokerClient } from './broker-client.js';
import { BrokerNode } from './broker-node.js';
import { EXACT_BETWEEN_GAPS } from './verdict.js';
import { Traffic, type TrafficVerdict } from './traffic.js';

/** The guarantee of every run: after a gap, an event that is retried may be received again, and only in order. */
export const EXACT_ON_BROKER = { ...EXACT_BETWEEN_GAPS, lateAfterGap: 0 } as const;

export interface BrokerOracleOptions {
  /** Creates the broker of a node, by its number: 0, 1 or 2. */
  readonly createBroker: (node: number) => SseBroker;
  readonly seed: number;
  readonly durationMs?: number;
  /** The most events of a room's history. */
  readonly maxEvents?: number;
  /** The most bytes of delivered events that a node retains. */
  readonly maxBytes?: number;
  readonly rooms?: number;
  readonly clients?: number;
  readonly publishers?: number;
  /** True where the fault lets two masters accept events at the same time. Default: false. */
  readonly hasTwoMasters?: boolean;
  /** Runs beside the traffic, which goes on until it settles. A repeated fault ends once `isEnough` holds. */
  readonly fault: (traffic: Traffic) => Promise<void>;
}

/** Runs traffic over three nodes while a fault is injected into Redis, then judges what each client received. */
export async function runBrokerOracle(options: BrokerOracleOptions): Promise<TrafficVerdict> {
  const { seed, durationMs = 0, maxEvents = 5_000, maxBytes = 2 ** 30 } = options;
  const policy: HistoryPolicy = { maxBytes, limitsOf: () => ({ maxEvents, maxAgeMs: 600_000 }) };
  const nodes = Array.from({ length: 3 }, (_, node) => new BrokerNode(options.createBroker(node), policy));
  const anyNode = (random: () => number): BrokerNode =>
    nodes[Math.floor(random() * nodes.length)] as BrokerNode;
  await Promise.all(nodes.map((node) => node.start()));
  const areLive = (): boolean => nodes.every(({ state }) => state === 'live');
  // `start` may resolve before Redis has answered; the epoch that it reports then is a change.
  await eventually(areLive, 'all nodes live', 60_000);
  const traffic = new Traffic({
    seed,
    durationMs,
    rooms: options.rooms ?? 8,
    clients: options.clients ?? 24,
    publishers: options.publishers ?? 4,
    pauseMs: 3,
    hasTwoMasters: options.hasTwoMasters,
    createClient: (rooms, random) => new BrokerClient(rooms, () => anyNode(random)),
    publish: async (rooms, text, random) => {
      const event = { data: text, serialized: false };
      const { broker } = anyNode(random);
      return (await broker.publish(rooms, event, { idempotencyKey: text })).position;
    },
  });
  await traffic.run(options.fault);
  await eventually(areLive, 'all nodes live again', 60_000);
  // A client whose replay is still going on when its node closes would count as one that could not attach.
  await eventually(() => traffic.clients.every(({ isLive }) => isLive), 'all clients live again', 60_000);
  await traffic.publishLast(30_000);
  for (const node of nodes) await node.broker.close();
  const failures = traffic.clients.flatMap((client) => client.failures);
  if (failures.length > 0) throw new AggregateError(failures, 'a client could not attach');
  const verdict = traffic.judge();
  return { ...verdict, outOfOrder: nodes.reduce((sum, node) => sum + node.outOfOrder, verdict.outOfOrder) };
}
