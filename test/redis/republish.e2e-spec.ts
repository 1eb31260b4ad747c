import { jest } from '@jest/globals';
import type { RedisBrokerOptions, RedisDriverName } from 'nestjs-simple-sse/redis';
import { PublishJournal, type JournalEntry } from '../../src/broker/redis/failover/publish-journal.js';
import { Republisher } from '../../src/broker/redis/failover/republisher.js';
import { readyOf, textsOf } from '../resume/test-app.js';
import { positionOf } from '../support/wire-ids.js';
import { eventually } from '../support/within.js';
import { expectReceived, MovableNode, MovingClient } from './moving-client.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica, waitForCopy } from './replica.js';

const key = (idempotencyKey: string): object => ({ idempotencyKey });

/** Changes what the nodes remember of each event. */
function mutateJournal(change: (entry: JournalEntry) => Partial<JournalEntry>): void {
  const original = Reflect.get(PublishJournal.prototype, 'ofOtherEpochs');
  jest.spyOn(PublishJournal.prototype, 'ofOtherEpochs').mockImplementation(function (
    this: PublishJournal,
    epoch,
  ) {
    return original.call(this, epoch).map((entry) => ({ ...entry, ...change(entry) }));
  });
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'an event with an idempotency key that a new master lacks, over %s',
  (driver) => {
    let master: RedisServer;
    let replica: RedisServer;
    let first: MovableNode;
    let second: MovableNode;
    /** Has received `known`, and is away. */
    let away: MovingClient;

    afterEach(async () => {
      jest.restoreAllMocks();
      for (const node of [first, second]) await node.close();
      await replica.dispose();
      await master.dispose();
    });

    async function start(options: RedisBrokerOptions = {}): Promise<void> {
      master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      replica = await startReplica(master);
      first = await MovableNode.start(master, { driver, ...options });
      second = await MovableNode.start(master, { driver, ...options });
      away = await clientWith('known');
      await waitForCopy(replica);
    }

    /** Returns a client that has received this event and left. */
    async function clientWith(text: string): Promise<MovingClient> {
      const client = new MovingClient();
      await client.moveTo(second);
      await client.next();
      await second.publish(text);
      await client.until(text);
      client.leave();
      return client;
    }

    /** Promotes the replica, and publishes events with their texts as keys that only the former master accepts. */
    async function loseEvents(...texts: string[]): Promise<void> {
      await eventually(async () => (await lengthOf('a')) > 0, 'the copy of the room');
      await replica.command('REPLICAOF', 'NO', 'ONE');
      for (const text of texts) await second.publish(text, key(text));
    }

    /** The number of events of a room in the new master. */
    async function lengthOf(room: string): Promise<number> {
      return Number((await replica.command('XLEN', `sse:{0}:s:${room}`)).slice(1));
    }

    const restored = (count: number): Promise<void> =>
      eventually(async () => (await lengthOf('a')) >= count, 'the restored events', 60_000);

    it('reaches the clients that were away, once and in its place', async () => {
      await start();
      await loseEvents('lost 1', 'lost 2');
      await second.moveTo(replica);
      await first.moveTo(replica);
      await restored(3);
      await first.publish('after');
      await away.moveTo(first);
      expect(await away.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      expect(readyOf(away.received.slice(2))).toMatchObject({ resumed: 'partial' });
      await away.until('after');
      expectReceived(away, ['known', 'lost 1', 'lost 2', 'after']);
      await away.moveTo(second);
      await first.publish('last');
      await away.until('last');
      expectReceived(away, ['known', 'lost 1', 'lost 2', 'after', 'last']);
    });

    it('is placed before newer events that the new master has accepted already', async () => {
      await start();
      await loseEvents('lost');
      await first.moveTo(replica);
      await first.publish('newer');
      await second.moveTo(replica);
      await restored(3);
      await first.publish('after');
      await away.moveTo(first);
      await away.until('after');
      expectReceived(away, ['known', 'lost', 'newer', 'after']);
    });

    it('is not sent to clients that have it, or something newer, on whichever node they are', async () => {
      await start();
      const hasIt = new MovingClient();
      await hasIt.moveTo(second);
      await loseEvents('lost');
      await hasIt.until('lost');
      hasIt.leave();
      const hasNewer = new MovingClient();
      await hasNewer.moveTo(first);
      await first.moveTo(replica);
      await first.publish('newer');
      await hasNewer.until('newer');
      await second.moveTo(replica);
      await restored(3);
      await hasNewer.moveTo(second);
      await hasIt.moveTo(first);
      await first.publish('after');
      await hasNewer.until('after');
      await hasIt.until('after');
      // Nothing was stored again after its position, so that it begins anew behind its gap.
      expectReceived(hasIt, ['lost', 'after']);
      expect(textsOf(hasNewer.received).slice(-2)).toEqual(['newer', 'after']);
    });

    it('is not stored again where the new master has it', async () => {
      await start();
      for (const text of ['1', '2', '3']) await second.publish(text, key(text));
      await restored(4);
      await loseEvents('lost');
      await second.moveTo(replica);
      await restored(5);
      await first.moveTo(replica);
      await first.publish('after');
      await away.moveTo(first);
      await away.until('after');
      expectReceived(away, ['known', '1', '2', '3', 'lost', 'after']);
    });

    it('is published once, where the application has retried it on another node meanwhile', async () => {
      await start();
      await loseEvents('lost', 'lost too');
      await first.moveTo(replica);
      await first.publish('retried', key('lost'));
      await second.moveTo(replica);
      await restored(3);
      await second.publish('after');
      await away.moveTo(second);
      await away.until('after');
      expectReceived(away, ['known', 'lost too', 'retried', 'after']);
    });

    it('counts as published for a retry that comes later', async () => {
      await start();
      await loseEvents('lost');
      await second.moveTo(replica);
      await first.moveTo(replica);
      await restored(2);
      await first.publish('retried', key('lost'));
      await first.publish('after');
      await away.moveTo(second);
      await away.until('after');
      expectReceived(away, ['known', 'lost', 'after']);
    });

    it('is stored again after FLUSHALL', async () => {
      await start();
      await second.publish('lost', key('lost'));
      await master.command('FLUSHALL');
      await first.publish('newer');
      // Its reply names the new epoch.
      await second.publish('newest');
      const length = async (): Promise<string> => master.command('XLEN', 'sse:{0}:s:a');
      await eventually(async () => (await length()) === ':3', 'the restored event', 60_000);
      await away.moveTo(first);
      await away.until('newest');
      expectReceived(away, ['known', 'lost', 'newer', 'newest']);
    });

    it.each<[string, RedisBrokerOptions, object, () => void]>([
      ['with republishMs: false', { republishMs: false }, key('lost'), () => {}],
      ['without an idempotency key', {}, {}, () => {}],
      [
        'by a node that stores nothing again',
        {},
        key('lost'),
        () => jest.spyOn(Republisher.prototype, 'restore').mockResolvedValue(),
      ],
    ])('is lost, and a resume begins anew behind its gap, %s', async (_name, options, given, mutate) => {
      mutate();
      await start(options);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      await second.publish('lost', given);
      await first.moveTo(replica);
      await first.publish('of the new master');
      await first.received('of the new master');
      await second.moveTo(replica);
      await away.moveTo(first);
      expect(await away.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      expect(readyOf(away.received.slice(2))).toMatchObject({ resumed: 'none', id: undefined });
      await first.publish('after');
      await away.until('after');
      expectReceived(away, ['known', 'after']);
    });

    it('is sent twice and late by a node that stores it at a new position', async () => {
      let position = 0;
      mutateJournal(() => ({ position }));
      await start();
      const hasIt = new MovingClient();
      await hasIt.moveTo(second);
      await loseEvents('lost');
      await hasIt.until('lost');
      hasIt.leave();
      await first.moveTo(replica);
      position = positionOf(await first.publish('newer')) + 1;
      await second.moveTo(replica);
      await restored(3);
      await away.moveTo(first);
      await hasIt.moveTo(first);
      await first.publish('after');
      await away.until('after');
      await hasIt.until('after');
      expect(textsOf(away.received)).toEqual(['known', 'newer', 'lost', 'after']);
      expect(textsOf(hasIt.received).filter((text) => text === 'lost')).toHaveLength(2);
    });

    it('is sent twice by a node that forgets its key', async () => {
      mutateJournal(({ options }) => ({ options: { ...options, idempotencyKey: 'forgotten' } }));
      await start();
      await loseEvents('lost');
      await first.moveTo(replica);
      await first.publish('lost', key('lost'));
      await second.moveTo(replica);
      await restored(3);
      await first.publish('after');
      await away.moveTo(second);
      await away.until('after');
      expect(textsOf(away.received)).toEqual(['known', 'lost', 'lost', 'after']);
    });
  },
);
