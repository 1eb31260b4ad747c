import { jest } from '@jest/globals';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { LossNotifier } from '../../src/rooms/resume/loss-notifier.js';
import { textsOf, gapsOf, listenFrom, readyOf, receivedUntil, startTestApp } from '../resume/test-app.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { positionOf } from '../support/wire-ids.js';
import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica, waitForCopy } from './replica.js';

/** A node behind a proxy of its own. */
interface Node {
  readonly proxy: BlackHoleProxy;
  readonly running: RunningApp;
}

/** What a client has received over all its connections, and the id that it sends next. */
class Client {
  readonly received: ReceivedEvent[] = [];
  #stream: EventStream | undefined;

  get id(): string | undefined {
    return this.received.findLast(({ id }) => id !== undefined)?.id;
  }

  async moveTo({ running }: Node): Promise<void> {
    this.#stream?.close();
    this.#stream = await listenFrom(running, '/in?rooms=a', this.id);
  }

  /** Reads up to the event with this text. @returns what came on the way */
  async until(text: string): Promise<ReceivedEvent[]> {
    const received = await receivedUntil(this.#stream as EventStream, text);
    this.received.push(...received);
    return received;
  }

  /** Reads the next gap, without what is before it. */
  async nextGap(): Promise<unknown> {
    for (;;) {
      const event = await this.next();
      if (event.event === 'sse:gap') return JSON.parse(event.data);
    }
  }

  /** Takes over the id of the block that follows a gap. */
  async position(): Promise<void> {
    const stream = this.#stream as EventStream;
    const last = (): string | undefined => stream.rawText.match(/^id: \S+(?=\n\n$)/m)?.[0];
    await eventually(() => last() !== undefined, 'the id after the gap');
    this.received.push({ event: 'sse:id', data: '', id: last()?.slice('id: '.length) });
  }

  /** Reads the next event, a control event included. */
  async next(): Promise<ReceivedEvent> {
    const event = await (this.#stream as EventStream).nextEvent({ control: true });
    this.received.push(event);
    return event;
  }
}

/** Expects these events, and ids that never go back. */
function expectExactly({ received }: Client, texts: readonly string[]): void {
  expect(textsOf(received)).toEqual(texts);
  const positions = received.flatMap(({ id }) => (id === undefined ? [] : positionOf(id)));
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a client that moves between nodes while a replica takes over, over %s',
  (driver) => {
    let master: RedisServer;
    let replica: RedisServer;
    /** Follows the new master first. */
    let first: Node;
    /** Follows it later. */
    let second: Node;
    let third: Node;

    beforeEach(async () => {
      master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      replica = await startReplica(master);
      [first, second, third] = [await startNode(), await startNode(), await startNode()];
      await first.running.sse.broadcast('a', undefined, 'known');
      await waitForCopy(replica);
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      for (const { running, proxy } of [first, second, third]) {
        await running.close();
        proxy.close();
      }
      await replica.dispose();
      await master.dispose();
    });

    async function startNode(): Promise<Node> {
      const proxy = await BlackHoleProxy.start(master.port);
      const broker = redisBroker({ url: proxy.url, driver, connectTimeoutMs: 60_000 });
      const running = await startTestApp({ broker });
      // Subscribes the room, so that the node catches up in it after its connection is cut.
      await (await listenFrom(running, '/in?rooms=a')).nextEvent({ control: true });
      return { proxy, running };
    }

    const publish = async ({ running }: Node, text: string): Promise<string> =>
      (await running.sse.broadcast('a', undefined, text)) as string;

    function follow({ proxy }: Node): void {
      proxy.target = replica.port;
      proxy.cut();
    }

    /** Brings a client the event `two` of the new master, which only the first node follows. */
    async function clientOfNewMaster(): Promise<Client> {
      const client = new Client();
      await client.moveTo(first);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      follow(first);
      await client.nextGap();
      await publish(first, 'two');
      await client.until('two');
      return client;
    }

    it('is sent nothing again by a node that learns of the new master later', async () => {
      const client = await clientOfNewMaster();
      await client.moveTo(second);
      expect(await client.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      follow(second);
      expect(await client.nextGap()).toEqual({ rooms: ['*', 'a'], reason: 'epoch' });
      await publish(second, 'three');
      await client.until('three');
      expectExactly(client, ['two', 'three']);
    });

    it('is sent nothing again by a node that it comes to from one that does not know the new master', async () => {
      const client = await clientOfNewMaster();
      await client.moveTo(second);
      await client.nextGap();
      await client.position();
      await client.moveTo(third);
      await client.next();
      follow(third);
      await client.nextGap();
      await publish(third, 'three');
      await client.until('three');
      expectExactly(client, ['two', 'three']);
    });

    it('is sent nothing again by the first node, and what the former master accepted is not sent late', async () => {
      const client = await clientOfNewMaster();
      await publish(second, 'accepted by the former master');
      await client.moveTo(second);
      await client.nextGap();
      await client.position();
      await client.moveTo(first);
      await client.nextGap();
      follow(second);
      await publish(first, 'three');
      await client.until('three');
      expectExactly(client, ['two', 'three']);
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
      follow(second);
      await client.nextGap();
      await publish(second, 'three');
      await client.until('three');
      expect(textsOf(client.received)).toEqual(['two', 'two', 'three']);
    });

    it('is resumed without a gap by a node that has no connection when it comes, and then finds the new master', async () => {
      const client = new Client();
      await client.moveTo(first);
      await publish(first, 'one');
      await client.until('one');
      await waitForCopy(replica);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      second.proxy.holdNew();
      follow(second);
      follow(first);
      await client.nextGap();
      await publish(first, 'two');
      await client.until('two');
      const states: string[] = [];
      second.running.sse.brokerState$.subscribe((state) => states.push(state));
      await eventually(() => states.includes('down'), 'the node without a connection');
      await client.moveTo(second);
      await publish(first, 'missed');
      second.proxy.releaseNew();
      const resumed = await client.until('missed');
      expect(readyOf(resumed).resumed).toBe('full');
      expect(gapsOf(resumed)).toEqual([]);
      expectExactly(client, ['one', 'two', 'missed']);
    });
  },
);
