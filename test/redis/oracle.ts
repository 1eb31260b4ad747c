import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { randomOf } from '../../src/testing/honest-pages.js';
import { eventually, pause, within } from '../support/within.js';
import { Follower } from './follower.js';
import { OracleNode } from './oracle-node.js';

export interface OracleOptions {
  readonly createBroker: () => SseBroker;
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes?: number;
  readonly followers?: number;
  readonly publishers?: number;
  readonly rooms?: number;
  readonly maxEvents?: number;
  /** What a node may keep of what it has delivered. */
  readonly maxBytes?: number;
  /** Runs beside the traffic, until it ends. */
  readonly fault: (isOver: () => boolean) => Promise<void>;
}

/** What is wrong, all counted over all followers; and how much there was. */
export interface Verdict {
  readonly published: number;
  readonly delivered: number;
  readonly resumes: number;
  readonly rejected: number;
  /** Missing without an `sse:gap` that names the room, heard before anything newer of it. */
  readonly silentlyLost: number;
  /** Missing, and said so. */
  readonly announced: number;
  readonly duplicates: number;
  /** Told to a node or a client after something newer. */
  readonly disorder: number;
  readonly gaps: number;
}

interface Published {
  readonly text: string;
  readonly rooms: readonly string[];
  position: number;
}

/** Traffic over a few nodes while something is done to Redis, and then the judgement on what was told to whom. */
export async function judge(options: OracleOptions): Promise<Verdict> {
  const {
    seed,
    durationMs,
    nodes: nodeCount = 3,
    rooms: roomCount = 8,
    maxEvents = 5_000,
    maxBytes = 2 ** 30,
  } = options;
  const random = randomOf(seed);
  const some = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const policy: HistoryPolicy = { maxBytes, limitsOf: () => ({ maxEvents, maxAgeMs: 60_000 }) };
  const rooms = Array.from({ length: roomCount }, (_, n) => `room ${n}`);
  const nodes = Array.from({ length: nodeCount }, () => new OracleNode(options.createBroker(), policy));
  await Promise.all(nodes.map((node) => node.start()));
  const log: Published[] = [];
  const failures: unknown[] = [];
  const ends = Date.now() + durationMs;
  const isOver = (): boolean => Date.now() > ends;
  let rejected = 0;

  const publish = async (to: readonly string[], text: string): Promise<void> => {
    const entry: Published = { text, rooms: to, position: 0 };
    log.push(entry);
    for (;;) {
      try {
        const event = { data: text, serialized: false };
        const receipt = await some(nodes).broker.publish(to, event, { idempotencyKey: text });
        entry.position = receipt.position;
        return;
      } catch {
        rejected++;
        await pause(20);
      }
    }
  };

  const publishers = Array.from({ length: options.publishers ?? 4 }, async (_, publisher) => {
    for (let n = 0; !isOver(); n++) {
      const to = random() < 0.1 ? rooms.filter(() => random() < 0.4) : [some(rooms)];
      if (to.length > 0) await publish(to, `${publisher}/${n}`);
      await pause(random() * 3);
    }
  });

  const followers = Array.from({ length: options.followers ?? 24 }, () => {
    const own = rooms.filter(() => random() < 0.35);
    return new Follower(own.length > 0 ? own : [some(rooms)]);
  });
  const attach = (follower: Follower): void => {
    follower.attach(some(nodes)).catch((error: unknown) => failures.push(error));
  };
  for (const follower of followers) attach(follower);
  await within(
    eventually(() => followers.every(({ isLive }) => isLive), 'all followers live'),
    'all followers live',
  );
  const churn = followers.map(async (follower) => {
    while (!isOver()) {
      await pause(30 + random() * 400);
      follower.leave();
      await pause(random() * 50);
      attach(follower);
    }
  });

  await Promise.all([options.fault(isOver), ...publishers, ...churn]);
  await eventually(() => nodes.every(({ state }) => state === 'live'), 'all nodes live again', 20_000);
  await Promise.all(rooms.map((room) => publish([room], `last of ${room}`)));
  // Where a mutant loses even these, the judgement says so.
  await eventually(() => followers.every(hasLastEvents), 'the last events', 5_000).catch(() => {});
  for (const node of nodes) await node.broker.close();
  if (failures.length > 0) throw new AggregateError(failures, 'a follower could not attach');
  const compared = compare(followers, log);
  const disorder = nodes.reduce((sum, node) => sum + node.disorder, compared.disorder);
  return { ...compared, disorder, rejected, published: log.length };
}

/** Whether it was told the last event of each of its rooms. */
function hasLastEvents({ rooms, told }: Follower): boolean {
  return rooms.every((room) => told.some((one) => one.kind === 'event' && one.text === `last of ${room}`));
}

function compare(
  followers: readonly Follower[],
  log: readonly Published[],
): Omit<Verdict, 'rejected' | 'published'> {
  const sum = {
    delivered: 0,
    resumes: 0,
    silentlyLost: 0,
    announced: 0,
    duplicates: 0,
    disorder: 0,
    gaps: 0,
  };
  for (const { told, rooms, start = 0, resumes } of followers) {
    sum.resumes += resumes;
    for (const room of rooms) {
      // The room's own line: positions of its events in the order told, and where a gap was announced.
      const line = told.filter((one) => one.rooms.includes(room));
      const at = new Map<string, number>();
      let newest = 0;
      let gapAt = -1;
      for (const [index, one] of line.entries()) {
        if (one.kind === 'gap') {
          gapAt = index;
          sum.gaps++;
          continue;
        }
        sum.delivered++;
        const before = at.get(one.text);
        // After a lost memory a retry may be a second event, with a gap between.
        if (before !== undefined && before > gapAt) sum.duplicates++;
        if (one.position <= newest && before === undefined) sum.disorder++;
        at.set(one.text, index);
        newest = Math.max(newest, one.position);
      }
      for (const { text, position, rooms: of } of log) {
        if (!of.includes(room) || position <= start || at.has(text)) continue;
        // Announced before anything newer of the room was told, and after it was published.
        const newer = line.findIndex((one) => one.kind === 'event' && one.position > position);
        const before = newer === -1 ? line : line.slice(0, newer);
        if (before.some((one) => one.kind === 'gap' && one.atUs >= position)) sum.announced++;
        else sum.silentlyLost++;
      }
    }
  }
  return sum;
}
