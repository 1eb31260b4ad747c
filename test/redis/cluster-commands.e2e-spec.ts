import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { SessionPage } from '../sessions/session-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { received } from './command-nodes.js';
import { ClusterSessionsNodes } from './cluster-sessions-nodes.js';
import { describeWithRedis } from './redis-server.js';
import { waitForCopy } from './replica.js';

const TIMEOUT_MS = 2_000;
/** Rounds of commands from before the failover to after it. */
const ROUNDS = 40;
const FAILOVER_ROUND = 10;
/** Rounds from the failover on in which the former master may still accept an event, which `onFailover: 'trust'` loses. */
const TWO_MASTERS_ROUNDS = 5;

const authorizeRoom = (): boolean => true;

/** The outcome of a call: the number that it has settled with, or the code of its error. */
const outcomeOf = (call: Promise<number>): Promise<number | string> =>
  call.catch((error: Error & { code?: string }) => error.code ?? error.message);

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'commands in a Redis Cluster of three masters, over %s',
  (driver) => {
    let nodes: ClusterSessionsNodes;

    beforeEach(async () => {
      nodes = await ClusterSessionsNodes.start(driver, { authorizeRoom });
    }, 60_000);
    afterEach(() => nodes.close());

    it('settle with their count or reject by name while the master of their slot is replaced, and do nothing twice', async () => {
      const { one, two } = nodes;
      const { replica, promote } = await nodes.replicate();
      await waitForCopy(replica);
      const pages = [new SessionPage({ user: 'ann' }), new SessionPage({ user: 'ann' })] as const;
      const clients = [await pages[0].connect(one), await pages[1].connect(two)];
      const session = pages[0].key;
      const outcomes: (number | string)[] = [];
      /** Rounds whose command has reached both streams. */
      const settled: string[] = [];
      /** Rounds in which the session was in the room, or was not, for certain. */
      const expected: string[] = [];
      const unexpected: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const failover = round === FAILOVER_ROUND ? promote() : undefined;
        const { sse } = round % 2 === 0 ? one : two;
        const options = { timeoutMs: TIMEOUT_MS };
        const sent = await outcomeOf(sse.send({ user: 'ann' }, 'sent', `${round}`, options));
        if (sent === 2) settled.push(`${round}`);
        const joined = await outcomeOf(sse.join({ session }, 'chat', options));
        const isPublished = await sse.broadcast('chat', 'said', `in ${round}`).catch(() => false);
        const mayBeLost = round >= FAILOVER_ROUND && round < FAILOVER_ROUND + TWO_MASTERS_ROUNDS;
        if (joined === 1 && isPublished !== false && !mayBeLost) expected.push(`in ${round}`);
        const left = await outcomeOf(sse.leave({ session }, 'chat', options));
        await sse.broadcast('chat', 'said', `out ${round}`).catch(() => false);
        if (left === 1) unexpected.push(`out ${round}`);
        const asked = await outcomeOf(sse.reauthorize({ user: 'ann' }, options));
        outcomes.push(sent, joined, left, asked);
        await failover;
      }
      // Both a number that is too small and another error would be a fault.
      expect(
        outcomes.filter((each, n) => each !== [2, 1, 1, 2][n % 4] && each !== 'broker-unavailable'),
      ).toEqual([]);
      expect(outcomes.slice(-8)).toEqual([2, 1, 1, 2, 2, 1, 1, 2]);
      const ended = await outcomeOf(
        one.sse.disconnect({ user: 'ann' }, { retryMs: 60_000, timeoutMs: TIMEOUT_MS }),
      );
      expect(ended).toBe(2);
      expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([
        'disconnected',
        'disconnected',
      ]);
      for (const { stream } of pages) {
        await eventually(() => received(stream).includes(`${ROUNDS - 1}`), 'the last event', PATIENCE_MS);
        const numbers = received(stream).filter((text) => /^\d+$/.test(text));
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => Number(a) - Number(b)));
        expect(settled.filter((text) => !numbers.includes(text))).toEqual([]);
      }
      const said = received(pages[0].stream).filter((text) => !/^\d+$/.test(text));
      expect(said).toEqual([...new Set(said)]);
      expect(expected.filter((text) => !said.includes(text))).toEqual([]);
      expect(unexpected.filter((text) => said.includes(text))).toEqual([]);
    }, 120_000);
  },
);
