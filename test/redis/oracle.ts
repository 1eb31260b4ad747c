import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { eventually } from '../support/within.js';
import { Follower } from './follower.js';
import { OracleNode } from './oracle-node.js';
import { Traffic } from './traffic.js';
import { compare, type Verdict } from './verdict.js';

export interface OracleOptions {
  readonly createBroker: () => SseBroker;
  readonly seed: number;
  readonly durationMs?: number;
  readonly maxEvents?: number;
  /** What a node may keep of what it has delivered. */
  readonly maxBytes?: number;
  readonly rooms?: number;
  readonly followers?: number;
  readonly publishers?: number;
  /** Runs beside the traffic, which goes on until it is over. One that repeats does so until `isEnough`. */
  readonly fault: (traffic: Traffic) => Promise<void>;
}

/** Traffic over a few nodes while something is done to Redis, and then the judgement on what was told to whom. */
export async function judge(options: OracleOptions): Promise<Verdict> {
  const { seed, durationMs = 0, maxEvents = 5_000, maxBytes = 2 ** 30 } = options;
  const policy: HistoryPolicy = { maxBytes, limitsOf: () => ({ maxEvents, maxAgeMs: 600_000 }) };
  const nodes = Array.from({ length: 3 }, () => new OracleNode(options.createBroker(), policy));
  const anyNode = (random: () => number): OracleNode =>
    nodes[Math.floor(random() * nodes.length)] as OracleNode;
  await Promise.all(nodes.map((node) => node.start()));
  const areLive = (): boolean => nodes.every(({ state }) => state === 'live');
  // A slow start ends before Redis has answered, and the true epoch is told as a change.
  await eventually(areLive, 'all nodes live', 60_000);
  const traffic = new Traffic({
    seed,
    durationMs,
    rooms: options.rooms ?? 8,
    followers: options.followers ?? 24,
    publishers: options.publishers ?? 4,
    pauseMs: 3,
    createListener: (rooms, random) => new Follower(rooms, () => anyNode(random)),
    publish: async (rooms, text, random) => {
      const event = { data: text, serialized: false };
      const { broker } = anyNode(random);
      return (await broker.publish(rooms, event, { idempotencyKey: text })).position;
    },
  });
  await traffic.run(options.fault);
  const { rooms, followers, log, rejected } = traffic;
  await eventually(areLive, 'all nodes live again', 60_000);
  await Promise.all(rooms.map((room) => traffic.publish([room], `last of ${room}`)));
  // Where a mutant loses even these, the judgement says so.
  await eventually(() => followers.every(hasLastEvents), 'the last events', 20_000).catch(() => {});
  for (const node of nodes) await node.broker.close();
  const failures = followers.flatMap((follower) => follower.failures);
  if (failures.length > 0) throw new AggregateError(failures, 'a follower could not attach');
  const compared = compare(followers, log);
  const disorder = nodes.reduce((sum, node) => sum + node.disorder, compared.disorder + compared.late);
  return { ...compared, disorder, rejected, published: log.length };
}

/** Whether it was told the last event of each of its rooms. */
function hasLastEvents({ rooms, told }: Follower): boolean {
  return rooms.every((room) => told.some((one) => one.kind === 'event' && one.text === `last of ${room}`));
}
