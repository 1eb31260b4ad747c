import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { SessionPage } from '../sessions/session-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { ClusterSessionsNodes } from './cluster-sessions-nodes.js';
import { describeWithRedis } from './redis-server.js';
import { waitForCopy } from './replica.js';

const ROOMS = Array.from({ length: 6 }, (_, n) => `chat/${n}`);

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a session in a Redis Cluster of three masters, over %s',
  (driver) => {
    let nodes: ClusterSessionsNodes;

    beforeEach(async () => {
      nodes = await ClusterSessionsNodes.start(driver);
    }, 60_000);
    afterEach(() => nodes.close());

    it('is joined from another node, survives the failover of the master of its slot, and is restored at another node', async () => {
      const { one, two } = nodes;
      const { replica, promote } = await nodes.replicate();
      const page = new SessionPage();
      const { key: session } = page;
      const client = await page.connect(one);
      const [early, late] = [ROOMS.slice(0, 3), ROOMS.slice(3)];
      for (const room of ROOMS) await two.sse.broadcast(room, 'before the join');
      for (const room of early) expect(await two.sse.join({ session }, room)).toBe(1);
      await waitForCopy(replica);
      await promote();
      // The nodes may not know the new master yet.
      for (const room of late)
        await eventually(
          () => two.sse.join({ session }, room).catch(() => 0),
          `the join of ${room}`,
          PATIENCE_MS,
        );
      for (const room of ROOMS) await one.sse.broadcast(room, `${room} after`);
      const live: string[] = [];
      while (live.length < ROOMS.length) live.push((await page.next()).data);
      expect(live.toSorted()).toEqual(ROOMS.map((room) => `${room} after`));

      await page.cut(client);
      for (const room of ROOMS) await one.sse.broadcast(room, `${room} while away`);
      expect(await one.sse.leave({ session }, 'chat/0')).toBe(1);
      await page.connect(two);
      expect(page.ready.restored?.toSorted()).toEqual(ROOMS.slice(1));
      const missed: string[] = [];
      while (missed.length < ROOMS.length - 1) missed.push((await page.next()).data);
      expect(missed.toSorted()).toEqual(ROOMS.slice(1).map((room) => `${room} while away`));
    }, 120_000);
  },
);
