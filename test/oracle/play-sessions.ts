import { eventually, pause, PATIENCE_MS } from '../support/within.js';
import { judgeSession, WanderingPage, type PlayVerdict, type SessionTraffic } from './session-traffic.js';

const ROOMS = Array.from({ length: 6 }, (_, n) => `room/${n}`);
const PAGES = 12;

export interface SessionPlay {
  readonly deliveries: number;
  /** Returns whether the session of a page is stored: a join counts from then on. */
  readonly isStored: (key: string) => Promise<boolean>;
  /** Longest wait of a page for an event before it leaves its room, in milliseconds. Default: 25,000. */
  readonly patienceMs?: number | undefined;
  /** Called in a loop while the pages join, leave and are cut. Default: none. */
  readonly fault?: () => Promise<unknown>;
  /** Settles when all nodes are live again. */
  readonly recovered?: () => Promise<unknown>;
}

/** Lets pages join and leave rooms at random nodes while their streams are cut, and judges what they have received. */
export async function playSessions(
  traffic: SessionTraffic,
  { deliveries, isStored, patienceMs = PATIENCE_MS, fault, recovered }: SessionPlay,
): Promise<PlayVerdict> {
  const { random } = traffic;
  const pages = Array.from({ length: PAGES }, () => new WanderingPage(traffic));
  const received = (): number => pages.reduce((sum, page) => sum + page.received.length, 0);
  const listening = pages.map((page) => page.listen());
  for (const { key } of pages) await eventually(() => isStored(key), 'the session', PATIENCE_MS);
  const playing = new AbortController();
  const whilePlaying = async (work: () => Promise<unknown>): Promise<void> => {
    while (!playing.signal.aborted) await work();
  };
  /** Waits for an event; one that does not come is found by the verdict. */
  const receivedOrTold = async (page: WanderingPage, room: string, number: number): Promise<void> => {
    const isThere = (): boolean => page.has(`${room} ${number}`) || page.gaps.size > 0;
    await eventually(isThere, 'an event', patienceMs).catch(() => {});
  };
  const publishers = [...ROOMS, 'news'].map((room) =>
    whilePlaying(async () => {
      await traffic.publish(room);
      await pause(8 * random());
    }),
  );
  const changes = pages.map((page) =>
    whilePlaying(async () => {
      const room = ROOMS[Math.floor(random() * ROOMS.length)] ?? '';
      const membership = page.currentRooms.find((each) => each.room === room);
      if (page.revoked.has(room)) return;
      if (membership === undefined) await page.join(room);
      else if (random() < 0.5) {
        const last = await traffic.publish(room);
        await receivedOrTold(page, room, last);
        // Two rooms at most, or little is left to play with.
        if (traffic.revokes && page.revoked.size < 2) await page.revoke(membership, last);
        else await page.leave(membership, last);
      }
      await pause(40 * random());
    }),
  );
  const faults = fault === undefined ? undefined : whilePlaying(fault);
  await eventually(() => received() >= deliveries, 'the deliveries', 3_600_000);
  playing.abort();
  await faults;
  await recovered?.();
  await Promise.all([...publishers, ...changes]);
  for (const page of pages) page.isSteady = true;
  for (const room of [...ROOMS, 'news']) {
    const last = await traffic.publish(room);
    for (const page of pages) {
      const isIn = room === 'news' || page.currentRooms.some((each) => each.room === room);
      if (isIn) await receivedOrTold(page, room, last);
    }
  }
  const areTaken = (): boolean => pages.every((page) => !page.sharesSession);
  await eventually(areTaken, 'the ends of older streams', patienceMs).catch(() => {});
  const shared = pages.flatMap((page) => (page.sharesSession ? [page.key] : []));
  traffic.end();
  for (const page of pages) page.close();
  await Promise.all(listening);
  const verdicts = pages.map((page) => judgeSession(page, traffic.events));
  return {
    deliveries: received(),
    lost: verdicts.flatMap(({ lost }) => lost),
    doubles: verdicts.flatMap(({ doubles }) => doubles),
    disorder: verdicts.flatMap(({ disorder }) => disorder),
    foreign: verdicts.flatMap(({ foreign }) => foreign),
    gaps: verdicts.flatMap(({ gaps }) => gaps),
    shared,
  };
}
