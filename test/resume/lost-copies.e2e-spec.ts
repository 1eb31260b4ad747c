import { jest } from '@jest/globals';
import type { BrokerListener, HistoryPage, SseBroker } from 'nestjs-simple-sse';
import { AwaitedCopies } from '../../src/rooms/partitions/awaited-copies.js';
import { LostCopies } from '../../src/rooms/partitions/lost-copies.js';
import { MissedEvents } from '../../src/rooms/resume/missed-events.js';
import { RoomMessage } from '../../src/protocol/room-message.js';
import type { RunningApp } from '../support/running-app.js';
import { HashedPartitions } from '../support/hashed-partitions.js';
import { LeadingBroker } from '../support/leading-broker.js';
import { gapsOf, listenFrom, readyOf, receivedUntil, startTestApp, textsOf } from './test-app.js';

/** A broker whose subscribing connection a test can cut, as Redis' can be. Publishing goes on. */
class CuttableBroker extends LeadingBroker {
  listener!: BrokerListener;
  #cutAt: number | undefined;
  #emptyUpTo = 0;

  override get position(): number {
    return this.#cutAt ?? super.position;
  }

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.listener = listener;
    return super.start(policy, {
      onStateChange: (state) => listener.onStateChange(state),
      onGap: (rooms) => listener.onGap(rooms),
      onEpochChange: (epoch) => listener.onEpochChange(epoch),
      onMessage: (message) => {
        if (this.#cutAt === undefined) listener.onMessage(message);
      },
    });
  }

  cut(): void {
    this.#cutAt = this.position;
    this.listener.onStateChange('syncing');
  }

  /** Connects again, and reports that events of these rooms are gone. */
  reconnect(lostRooms: readonly string[]): void {
    this.listener.onGap(lostRooms);
    this.#cutAt = undefined;
    this.listener.onStateChange('live');
  }

  /** Events of the former server that were stored again in the present one. */
  restored: readonly RoomMessage[] = [];

  override async read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    const page = await super.read(...args);
    const [rooms, after = Infinity] = args;
    const messages = [
      ...this.restored.filter(({ position }) => position > after),
      ...page.messages.filter(({ position }) => position > this.#emptyUpTo),
    ];
    const restoredUpTo = Math.max(0, ...this.restored.map(({ position }) => position));
    return rooms.length === 0 ? { ...page, restoredUpTo } : { ...page, messages };
  }

  /** Connects again to a server that has lost its data. */
  restartEmpty(): void {
    Object.assign(this, { epoch: '0000000f' });
    this.#emptyUpTo = super.position;
    this.listener.onEpochChange(this.epoch);
    this.#cutAt = undefined;
    this.listener.onStateChange('live');
  }
}

const once = (texts: string[], text: string): number => texts.filter((each) => each === text).length;

describe('an event in rooms of two partitions', () => {
  let partitions: HashedPartitions;
  let running: RunningApp;
  /** The room of the earlier copy, the room of the later one, and a third in the partition of neither. */
  let [first, second] = ['', ''];

  async function start(options = {}): Promise<void> {
    partitions = new HashedPartitions(3, () => new CuttableBroker());
    [first, second] = ['a', 'b'].toSorted(
      (x, y) => partitions.partitionOf(x) - partitions.partitionOf(y),
    ) as [string, string];
    running = await startTestApp({ broker: partitions, historyMaxEvents: 5, ...options });
  }
  afterEach(() => running.close());

  const publish = (rooms: string | string[], text: string): Promise<string | undefined> =>
    running.sse.broadcast(rooms, undefined, text);
  const brokerOf = (room: string): CuttableBroker =>
    partitions.partitions[partitions.partitionOf(room)] as CuttableBroker;
  const trim = async (room: string): Promise<void> => {
    for (let n = 0; n < 20; n++) await publish(room, `filler ${n}`);
  };
  const connect = (lastEventId?: string) => listenFrom(running, '/in?rooms=a,b', lastEventId);
  /** Starts with a live client of both rooms, then cuts the partition of the first room. */
  const startWithCutBroker = async () => {
    await start();
    const stream = await connect();
    await publish(second, 'live');
    await receivedUntil(stream, 'live');
    brokerOf(first).cut();
    return stream;
  };

  /** Brings a client up to `live`, cuts it, publishes `both`, and gives the first partition an empty server. */
  async function loseCopy(): Promise<{ id: string | undefined; lost: RoomMessage }> {
    await start();
    const stream = await connect();
    await publish(second, 'live');
    const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
    stream.close();
    await publish([first, second], 'both');
    const { messages } = await brokerOf(first).read([first], 0);
    // As on a node that starts afterwards, and does not know of the loss.
    const unaware = jest.spyOn(LostCopies.prototype, 'add').mockImplementation(() => {});
    brokerOf(first).restartEmpty();
    unaware.mockRestore();
    return { id, lost: messages.at(-1) as RoomMessage };
  }

  it('comes on resume from the partition that still has it, beside the gap of the other', async () => {
    await start();
    const id = await publish('a', 'known');
    await publish('b', 'known');
    await publish([first, second], 'both');
    await trim(first);
    const stream = await connect(id);
    await publish(second, 'now');
    const received = await receivedUntil(stream, 'now');
    expect(gapsOf(received)).toEqual([{ rooms: [first], reason: 'trimmed' }]);
    expect(once(textsOf(received), 'both')).toBe(1);
  });

  it('comes on resume once where both partitions still have it', async () => {
    await start();
    const id = await publish('a', 'known');
    await publish([first, second], 'both');
    const stream = await connect(id);
    await publish(second, 'now');
    const received = await receivedUntil(stream, 'now');
    expect(gapsOf(received)).toEqual([]);
    expect(once(textsOf(received), 'both')).toBe(1);
  });

  it('comes on resume from the room that has history, where the other has none', async () => {
    await start({ rooms: { a: { history: false } } });
    const id = await publish('b', 'known');
    await publish(['a', 'b'], 'both');
    const stream = await connect(id);
    await publish('b', 'now');
    expect(once(textsOf(await receivedUntil(stream, 'now')), 'both')).toBe(1);
  });

  it('is named by a gap of both rooms, where the awaited copy is lost with its connection', async () => {
    const stream = await startWithCutBroker();
    await publish([first, second], 'both');
    brokerOf(first).reconnect([first]);
    await publish(second, 'now');
    expect(gapsOf(await receivedUntil(stream, 'now'))).toEqual([
      { rooms: [first, second], reason: 'trimmed' },
    ]);
  });

  it('is named by a gap of both rooms, where the awaited copy is lost with its server', async () => {
    const stream = await startWithCutBroker();
    await publish([first, second], 'both');
    brokerOf(first).restartEmpty();
    await publish(second, 'now');
    const [gap] = gapsOf(await receivedUntil(stream, 'now')) as { rooms: string[]; reason: string }[];
    expect(gap?.reason).toBe('epoch');
    expect(gap?.rooms).toEqual(expect.arrayContaining([first, second]));
  });

  it('comes on resume from the second partition, where the server of the first lost it while the client was away', async () => {
    await start();
    const stream = await connect();
    await publish(second, 'live');
    const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
    stream.close();
    await publish([first, second], 'both');
    brokerOf(first).restartEmpty();
    const back = await connect(id);
    await publish(second, 'now');
    const resumed = await receivedUntil(back, 'now');
    expect(gapsOf(resumed)).toEqual([{ rooms: expect.arrayContaining([first]) as unknown, reason: 'epoch' }]);
    expect(once(textsOf(resumed), 'both')).toBe(1);
  });

  it('is named by the gap, where an event before it takes the client past the copy that the first server has lost', async () => {
    await start();
    const stream = await connect();
    await publish(second, 'live');
    const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
    stream.close();
    await publish(second, 'before');
    await publish([first, second], 'both');
    brokerOf(first).restartEmpty();
    const back = await connect(id);
    const received = await receivedUntil(back, 'before');
    // A client that is cut here comes with the new epoch: it has received the gap of the second room.
    expect(gapsOf(received)).toEqual([
      { rooms: expect.arrayContaining([first, second]) as unknown, reason: 'epoch' },
    ]);
    await publish(second, 'now');
    expect(once(textsOf(await receivedUntil(back, 'now')), 'both')).toBe(1);
  });

  describe('whose copy a new server of the first partition lacked', () => {
    it('comes once and in its place, where the copy was stored again', async () => {
      const { id, lost } = await loseCopy();
      await publish(first, 'newer');
      brokerOf(first).restored = [lost];
      const back = await connect(id);
      await publish(second, 'now');
      const received = await receivedUntil(back, 'now');
      expect(readyOf(received)).toMatchObject({ resumed: 'partial', id });
      expect(textsOf(received)).toEqual(['both', 'newer', 'now']);
    });

    it('comes once from the second partition, where only another event was stored again', async () => {
      const { id, lost } = await loseCopy();
      const other = new RoomMessage(
        { data: 'other', serialized: false },
        { rooms: [first], epoch: lost.epoch, position: lost.position - 1, replayable: true },
      );
      brokerOf(first).restored = [other];
      const back = await connect(id);
      await publish(second, 'now');
      const received = await receivedUntil(back, 'now');
      expect(gapsOf(received)).toEqual([
        { rooms: expect.arrayContaining([first]) as unknown, reason: 'epoch' },
      ]);
      expect(textsOf(received)).toEqual(['other', 'both', 'now']);
    });

    it('comes once, where its second copy arrives after the client has received the first', async () => {
      await start();
      const stream = await connect();
      await publish(second, 'live');
      const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
      stream.close();
      await publish(first, 'both');
      const { messages } = await brokerOf(first).read([first], 0);
      const lost = messages.at(-1) as RoomMessage;
      brokerOf(first).restartEmpty();
      brokerOf(first).restored = [lost];
      const back = await connect(id);
      await receivedUntil(back, 'both');
      const copies = [{ partition: partitions.partitionOf(first), position: lost.position, rooms: [first] }];
      await brokerOf(second).publish([second], { data: 'both', serialized: false }, { copies });
      await publish(second, 'now');
      expect(textsOf(await receivedUntil(back, 'now'))).toEqual(['now']);
    });
  });

  it('comes live from the second partition, where the first has reported its copy as lost before', async () => {
    const stream = await startWithCutBroker();
    brokerOf(second).cut();
    const held: string[] = [];
    await publish([first, second], 'both');
    brokerOf(first).reconnect([first]);
    const { messages } = await brokerOf(second).read([second], brokerOf(second).position);
    brokerOf(second).reconnect([]);
    for (const message of messages) {
      held.push(message.data);
      brokerOf(second).listener.onMessage(message);
    }
    expect(held).toEqual(['both']);
    await publish(second, 'now');
    expect(once(textsOf(await receivedUntil(stream, 'now')), 'both')).toBe(1);
  });

  it('is named by a gap of both rooms, where the client is cut while it awaits the first copy', async () => {
    const stream = await startWithCutBroker();
    await publish([first, second], 'both');
    await publish(second, 'later');
    const received = await receivedUntil(stream, 'later');
    expect(once(textsOf(received), 'both')).toBe(0);
    stream.close();
    await trim(first);
    brokerOf(first).reconnect([first]);
    const back = await connect(received.at(-1)?.id);
    await publish(second, 'now');
    const resumed = await receivedUntil(back, 'now');
    expect(readyOf(resumed)).toMatchObject({ resumed: 'partial' });
    expect(gapsOf(resumed)).toEqual([{ rooms: [first, second], reason: 'trimmed' }]);
  });

  it('is named by a gap of both rooms, where the client is cut before the second partition has caught up', async () => {
    const stream = await startWithCutBroker();
    brokerOf(second).cut();
    await publish([first, second], 'both');
    brokerOf(first).reconnect([first]);
    await publish(first, 'newer');
    const received = await receivedUntil(stream, 'newer');
    stream.close();
    brokerOf(second).reconnect([]);
    // As on another node, which takes the lost copy for received: the id of the newer event lies behind it.
    const unaware = jest.spyOn(LostCopies.prototype, 'has').mockReturnValue(false);
    const back = await connect(received.at(-1)?.id);
    await publish(second, 'now');
    const resumed = await receivedUntil(back, 'now');
    unaware.mockRestore();
    expect(once(textsOf(resumed), 'both')).toBe(0);
    expect(gapsOf(received)).toEqual([
      { rooms: expect.arrayContaining([first, second]) as unknown, reason: 'trimmed' },
    ]);
  });

  it('is named by a gap of both rooms, where its second copy is trimmed as well after the client has passed it', async () => {
    const stream = await startWithCutBroker();
    await publish([first, second], 'both');
    await publish(second, 'later');
    const received = await receivedUntil(stream, 'later');
    stream.close();
    await trim(first);
    // History of the second room begins directly behind the client's position, so it is complete.
    for (let n = 0; n < 5; n++) await publish(second, `after ${n}`);
    brokerOf(first).reconnect([first]);
    const back = await connect(received.at(-1)?.id);
    const resumed = await receivedUntil(back, 'after 4');
    expect(gapsOf(resumed)).toEqual([{ rooms: [first, second], reason: 'trimmed' }]);
    expect(textsOf(resumed).filter((text) => text.startsWith('after'))).toHaveLength(5);
  });

  /** Cuts a client in its resume, after an event that lies behind the second copy and came before the first. */
  async function loseBothCopiesInResume() {
    await start();
    const stream = await connect();
    await publish(second, 'live');
    const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
    stream.close();
    brokerOf(first).clockLeadMs = 500;
    await publish([first, second], 'both');
    await publish(second, 'later');
    // The later event has the lower position, and is sent first.
    const cut = await connect(id);
    const received = await receivedUntil(cut, 'later');
    expect(once(textsOf(received), 'both')).toBe(0);
    cut.close();
    await trim(first);
    for (let n = 0; n < 5; n++) await publish(second, `after ${n}`);
    const back = await connect(received.at(-1)?.id);
    return receivedUntil(back, 'after 4');
  }

  it('is named by a gap of both rooms, where the clocks of the partitions differ and the client is cut in its resume', async () => {
    expect(gapsOf(await loseBothCopiesInResume())).toEqual([{ rooms: [first, second], reason: 'trimmed' }]);
  });

  it('is found to be lost in its second room, where a node names the rooms of its own partition only', async () => {
    const unaware = jest.spyOn(MissedEvents.prototype, 'lostFrom').mockReturnValue(new Map());
    const received = await loseBothCopiesInResume();
    unaware.mockRestore();
    expect(once(textsOf(received), 'both')).toBe(0);
    expect(gapsOf(received)).toEqual([{ rooms: [first], reason: 'trimmed' }]);
  });

  it('is found to be lost in its second room, where a node forgets the copies that clients wait for', async () => {
    const stream = await startWithCutBroker();
    await publish([first, second], 'both');
    const unaware = jest.spyOn(AwaitedCopies.prototype, 'takeLost').mockReturnValue(new Map());
    brokerOf(first).reconnect([first]);
    unaware.mockRestore();
    await publish(second, 'now');
    const received = await receivedUntil(stream, 'now');
    expect(once(textsOf(received), 'both')).toBe(0);
    expect(gapsOf(received)).toEqual([{ rooms: [first], reason: 'trimmed' }]);
  });
});
