import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { EmittedMembers } from '../../../src/presence/emitted-members.js';
import { RECONCILER_TIMES } from '../../../src/presence/presence-reconciler.js';
import { changesIn, changesOf, membersIn, presenceApp } from '../../presence/presence-app.js';
import type { EventStream } from '../../support/event-stream.js';
import { express, fastify, type Platform } from '../../support/platforms.js';
import type { RunningApp } from '../../support/running-app.js';
import { eventually, PATIENCE_MS } from '../../support/within.js';
import { BlackHoleProxy } from '../black-hole-proxy.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';
import { brokerOf, TIMES } from './presence-node.js';

const NORMAL_TIMES = { ...RECONCILER_TIMES };
/** Nodes write their members again within `TIMES.heartbeatMs`, 50 ms. */
const SHORT_TIMES = { batchMs: 20, compareMs: 100, listMs: 500, leaveAfterMs: 2_000 };

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'the changes of presence that a node tells after an interruption, over %s',
  (driver) => {
    let server: RedisServer;
    let proxy: BlackHoleProxy;
    /** The node of the users, and a node that only observes them, through the proxy. */
    let users: RunningApp;
    let observer: RunningApp;
    let stream: EventStream;
    let changes: string[];
    let states: string[];

    async function start(platform: Platform, url: string): Promise<RunningApp> {
      const options = { url, driver, publishTimeoutMs: 1_000, connectTimeoutMs: 30_000 };
      return platform.start(presenceApp({ broker: brokerOf(options, TIMES), presenceGraceMs: false }));
    }

    beforeAll(() => void Object.assign(RECONCILER_TIMES, SHORT_TIMES));
    afterAll(() => void Object.assign(RECONCILER_TIMES, NORMAL_TIMES));

    beforeEach(async () => {
      server = await RedisServer.start();
      proxy = await BlackHoleProxy.start(server.port);
      users = await start(express, server.url);
      observer = await start(fastify, proxy.url);
      states = [];
      observer.sse.brokerState$.subscribe((state) => states.push(state));
      changes = changesOf(observer, 'chat');
      stream = await observer.listen('/rooms/chat');
      // Only then does Redis deliver the room to the node.
      expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready' });
    });
    afterEach(async () => {
      await Promise.all([users.close(), observer.close()]);
      proxy.close();
      await server.dispose();
    });

    const open = (user: string): Promise<EventStream> => users.listen(`/rooms/chat?user=${user}`);
    const waitForMembers = (...expected: string[]): Promise<void> =>
      eventually(
        async () => (await membersIn(users, 'chat').catch(() => [])).join() === expected.join(),
        expected.join(),
      );
    /** Waits until both `presence$` and the browsers have been sent exactly these changes. */
    const waitForChanges = (...expected: string[]): Promise<void> =>
      eventually(
        () => changes.join() === expected.join() && changesIn(stream).join() === expected.join(),
        () => `${expected.join()}; emitted: ${changes.join()}; on the stream: ${changesIn(stream).join()}`,
        PATIENCE_MS,
      );
    /** Cuts the connections of both nodes for messages while users come and go. */
    async function changeUnseen(change: () => Promise<void>): Promise<void> {
      proxy.holdNew();
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await change();
      proxy.releaseNew();
    }

    it('contain the joins and leaves that happened while its subscribing connection was cut', async () => {
      const goes = await open('goes');
      await open('stays');
      await waitForChanges('join goes', 'join stays');
      await changeUnseen(async () => {
        goes.close();
        await open('comes');
        await waitForMembers('comes 1', 'stays 1');
      });
      await waitForChanges('join goes', 'join stays', 'join comes', 'leave goes');
    });

    it('contain the leave of a user who left while FLUSHALL had removed the list, and nothing else', async () => {
      const goes = await open('goes');
      await open('stays');
      await waitForChanges('join goes', 'join stays');
      const before = [...states];
      await server.command('FLUSHALL');
      goes.close();
      await waitForChanges('join goes', 'join stays', 'leave goes');
      await waitForMembers('stays 1');
      expect(states).toEqual(before);
    });

    it('contain the difference to the list of a Redis that came back without its data', async () => {
      const goes = await open('goes');
      await open('stays');
      await waitForChanges('join goes', 'join stays');
      // The list is empty until the node of the users has written its members again.
      proxy.holdNew();
      await server.kill();
      goes.close();
      await eventually(() => users.sse.count() === 1, 'the end of the stream on the server');
      await open('comes');
      await server.launch();
      await waitForMembers('comes 1', 'stays 1');
      proxy.releaseNew();
      await waitForChanges('join goes', 'join stays', 'join comes', 'leave goes');
    });

    it('lack them on a node that does not compare, so that these tests catch one', async () => {
      // Called with its own `this`.
      // oxlint-disable-next-line typescript/unbound-method
      const { compare } = EmittedMembers.prototype;
      EmittedMembers.prototype.compare = () => [];
      try {
        const goes = await open('goes');
        await waitForChanges('join goes');
        await changeUnseen(async () => {
          goes.close();
          await waitForMembers();
        });
        await eventually(() => states.length > 1 && states.at(-1) === 'live', 'the node live again');
        await open('later');
        await waitForChanges('join goes', 'join later');
      } finally {
        EmittedMembers.prototype.compare = compare;
      }
    });
  },
);
