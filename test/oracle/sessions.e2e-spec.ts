import { jest } from '@jest/globals';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { LateRooms } from '../../src/rooms/resume/late-rooms.js';
import { StreamSession } from '../../src/sessions/stream-session.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { SessionController, sessionApp } from '../sessions/session-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, pause, PATIENCE_MS } from '../support/within.js';
import { judgeSession, SessionTraffic, WanderingPage, type SessionVerdict } from './session-traffic.js';

/** `SSE_SESSION_DELIVERIES=200000` plays the long form. */
const DELIVERIES = Number(process.env['SSE_SESSION_DELIVERIES'] ?? 4_000);
const ROOMS = Array.from({ length: 6 }, (_, n) => `room/${n}`);
const PAGES = 12;

describeWithRedis('sessions on three nodes, under random cuts, joins and leaves', () => {
  let server: RedisServer;
  let nodes: RunningApp[];

  beforeEach(async () => {
    server = await RedisServer.start();
    const module = () =>
      sessionApp({ broker: redisBroker({ url: server.url }), historyMaxEvents: 5_000, retryMs: 0 });
    nodes = [await express.start(module()), await fastify.start(module()), await express.start(module())];
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const node of nodes) await node.close();
    await server.dispose();
  });

  async function play(deliveries: number, seed: number): Promise<SessionVerdict> {
    const traffic = new SessionTraffic(nodes, seededRandom(seed));
    const { random } = traffic;
    const pages = Array.from({ length: PAGES }, () => new WanderingPage(traffic));
    const received = (): number => pages.reduce((sum, page) => sum + page.received.length, 0);
    const listening = pages.map((page) => page.listen());
    await eventually(() => nodes.flatMap(({ sse }) => [...sse.clients()]).length >= 1, 'a stream');
    for (const page of pages) await eventually(() => isStored(page), 'the session');
    const playing = new AbortController();
    const whilePlaying = async (work: () => Promise<void>): Promise<void> => {
      while (!playing.signal.aborted) await work();
    };
    const publishers = [...ROOMS, 'news'].map((room) =>
      whilePlaying(async () => {
        await traffic.publish(room);
        await pause(8 * random());
      }),
    );
    const changes = pages.map((page) =>
      whilePlaying(async () => {
        const current = page.currentRooms;
        const room = ROOMS[Math.floor(random() * ROOMS.length)] ?? '';
        const membership = current.find((each) => each.room === room);
        if (membership === undefined) await page.join(room);
        else if (random() < 0.5) {
          const last = await traffic.publish(room);
          await receivedOrTold(page, room, last);
          await page.leave(membership, last);
        }
        await pause(40 * random());
      }),
    );
    await eventually(() => received() >= deliveries, 'the deliveries', 600_000);
    playing.abort();
    await Promise.all([...publishers, ...changes]);
    for (const page of pages) page.isSteady = true;
    for (const room of [...ROOMS, 'news']) {
      const last = await traffic.publish(room);
      for (const page of pages) {
        const isIn = room === 'news' || page.currentRooms.some((each) => each.room === room);
        if (isIn) await receivedOrTold(page, room, last);
      }
    }
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
    };
  }

  /** Waits for an event; one that does not come is found by the verdict. */
  async function receivedOrTold(page: WanderingPage, room: string, number: number): Promise<void> {
    const isThere = (): boolean => page.received.includes(`${room} ${number}`) || page.gaps.size > 0;
    await eventually(isThere, 'an event', isMutant ? 200 : PATIENCE_MS).catch(() => {});
  }

  async function isStored({ key }: WanderingPage): Promise<boolean> {
    const keys = await server.command('EVAL', "return #redis.call('KEYS', ARGV[1])", '0', `*:h:${key}`);
    return keys === ':1';
  }

  let isMutant = false;
  beforeEach(() => {
    isMutant = false;
  });

  it('lose nothing, repeat nothing, keep the order, and receive no event of another room', async () => {
    const { deliveries, ...faults } = await play(DELIVERIES, 7);
    expect(faults).toEqual({ lost: [], doubles: [], disorder: [], foreign: [] });
    expect(deliveries).toBeGreaterThanOrEqual(DELIVERIES);
    expect(nodes.map((node) => node.get(SessionController).clients.length).every((count) => count > 5)).toBe(
      true,
    );
  }, 900_000);

  it('that are not restored are found', async () => {
    isMutant = true;
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
    const { restore } = StreamSession.prototype;
    jest.spyOn(StreamSession.prototype, 'restore').mockImplementation(async function (this: StreamSession) {
      return { ...(await restore.call(this)), rooms: [] };
    });
    expect((await play(1_000, 8)).lost.length).toBeGreaterThan(0);
  }, 120_000);

  it('whose joins have no position are found', async () => {
    isMutant = true;
    jest.spyOn(LateRooms.prototype, 'since').mockReturnValue(0);
    expect((await play(1_000, 9)).foreign.length).toBeGreaterThan(0);
  }, 120_000);
});
