import { jest } from '@jest/globals';
import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { LossNotifier } from '../../src/rooms/resume/loss-notifier.js';
import { textsOf, gapsOf, readyOf } from '../resume/test-app.js';
import { eventually } from '../support/within.js';
import { expectReceived, MovableNode, MovingClient } from './moving-client.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica, waitForCopy } from './replica.js';

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a client that moves between nodes while a replica takes over, over %s',
  (driver) => {
    let master: RedisServer;
    let replica: RedisServer;
    /** Follows the new master first. */
    let first: MovableNode;
    /** Follows it later. */
    let second: MovableNode;
    let third: MovableNode;

    beforeEach(async () => {
      master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      replica = await startReplica(master);
      [first, second, third] = [
        await MovableNode.start(master, { driver }),
        await MovableNode.start(master, { driver }),
        await MovableNode.start(master, { driver }),
      ];
      await first.publish('known');
      await waitForCopy(replica);
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      for (const node of [first, second, third]) await node.close();
      await replica.dispose();
      await master.dispose();
    });

    /** Brings a client the event `two` of the new master, which only the first node follows. */
    async function clientOfNewMaster(): Promise<MovingClient> {
      const client = new MovingClient();
      await client.moveTo(first);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      first.follow(replica);
      await client.nextGap();
      await first.publish('two');
      await client.until('two');
      return client;
    }

    it('is sent nothing again by a node that learns of the new master later', async () => {
      const client = await clientOfNewMaster();
      await client.moveTo(second);
      expect(await client.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      second.follow(replica);
      expect(await client.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      await second.publish('three');
      await client.until('three');
      expectReceived(client, ['two', 'three']);
    });

    it('is sent nothing again by a node that it comes to from one that does not know the new master', async () => {
      const client = await clientOfNewMaster();
      await client.moveTo(second);
      await client.nextGap();
      await client.position();
      await client.moveTo(third);
      await client.next();
      third.follow(replica);
      await client.nextGap();
      await third.publish('three');
      await client.until('three');
      expectReceived(client, ['two', 'three']);
    });

    it('is sent nothing again by the first node, and what the former master accepted is not sent late', async () => {
      const client = await clientOfNewMaster();
      await second.publish('accepted by the former master');
      await client.moveTo(second);
      await client.nextGap();
      await client.position();
      await client.moveTo(first);
      await client.nextGap();
      second.follow(replica);
      await first.publish('three');
      await client.until('three');
      expectReceived(client, ['two', 'three']);
    });

    it('is sent the event again by a node that forgets where the client was', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
      const { notifyEpochChange } = LossNotifier.prototype;
      jest.spyOn(LossNotifier.prototype, 'notifyEpochChange').mockImplementation(function (
        this: LossNotifier,
        ...[partition, { epoch }, laterRooms]
      ) {
        notifyEpochChange.call(this, partition, { epoch, position: 0 }, laterRooms);
      });
      const client = await clientOfNewMaster();
      await client.moveTo(second);
      await client.nextGap();
      second.follow(replica);
      await client.nextGap();
      await second.publish('three');
      await client.until('three');
      expect(textsOf(client.received)).toEqual(['two', 'two', 'three']);
    });

    it('is resumed without a gap by a node that has no connection when it comes, and then finds the new master', async () => {
      const client = new MovingClient();
      await client.moveTo(first);
      await first.publish('one');
      await client.until('one');
      await waitForCopy(replica);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      second.proxy.holdNew();
      second.follow(replica);
      first.follow(replica);
      await client.nextGap();
      await first.publish('two');
      await client.until('two');
      const states: string[] = [];
      second.running.sse.brokerState$.subscribe((state) => states.push(state));
      await eventually(() => states.includes('down'), 'the node without a connection');
      await client.moveTo(second);
      await first.publish('missed');
      second.proxy.releaseNew();
      const resumed = await client.until('missed');
      expect(readyOf(resumed).resumed).toBe('full');
      expect(gapsOf(resumed)).toEqual([]);
      expectReceived(client, ['one', 'two', 'missed']);
    });
  },
);
