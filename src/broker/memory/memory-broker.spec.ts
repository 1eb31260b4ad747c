import type { RoomMessage } from '../../protocol/room-message.js';
import type {
  BrokerListener,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  SseBroker,
} from '../broker.interface.js';
import { MemoryBroker } from './memory-broker.js';

const POLICY: HistoryPolicy = {
  maxBytes: 1e9,
  limitsOf: (room) => !room.startsWith('unstored') && { maxEvents: 100, maxAgeMs: 600_000 },
};

/** A node with one memory broker, and the messages that it has received. */
class Node implements BrokerListener {
  readonly broker: SseBroker = new MemoryBroker();
  readonly received: RoomMessage[] = [];
  readonly states: string[] = [];
  onReceived: (message: RoomMessage) => void = () => {};

  static async start(...rooms: string[]): Promise<Node> {
    const node = new Node();
    await node.broker.start(POLICY, node);
    for (const room of rooms) await node.broker.subscribe(room);
    return node;
  }

  onMessage(message: RoomMessage): void {
    this.received.push(message);
    this.onReceived(message);
  }
  onStateChange(state: string): void {
    this.states.push(state);
  }
  onEpochChange(): void {
    throw new Error('a memory broker never changes its epoch');
  }
  onGap(): void {
    throw new Error('a memory broker has no gaps');
  }

  publish(rooms: string | string[], data: string, options: PublishOptions = {}): Promise<PublishReceipt> {
    return this.broker.publish([rooms].flat(), { event: undefined, data, serialized: false }, options);
  }

  get texts(): string[] {
    return this.received.map(({ data }) => data);
  }
}

let node: Node;
afterEach(() => node.broker.close());

describe('MemoryBroker', () => {
  it('is live as soon as it has started, with an epoch of its own', async () => {
    node = await Node.start();
    const other = await Node.start();
    expect(node.states).toEqual(['live']);
    expect(node.broker.epoch).toMatch(/^[0-9a-f]{8}$/);
    expect(node.broker.epoch).not.toBe(other.broker.epoch);
  });

  it('delivers before publish returns, to subscribed rooms only, each event once', async () => {
    node = await Node.start('a', 'b');
    const receipts = [node.publish('a', '1'), node.publish('c', '2'), node.publish(['a', 'b', 'c'], '3')];
    expect(node.texts).toEqual(['1', '3']);
    await node.broker.unsubscribe('a');
    await node.broker.unsubscribe('never');
    const last = await node.publish(['a'], '4');
    expect(node.texts).toEqual(['1', '3']);
    const positions = [...(await Promise.all(receipts)), last].map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].toSorted((x, y) => x - y));
    expect(node.received[1]).toMatchObject({
      rooms: ['a', 'b', 'c'],
      position: positions[2],
      replayable: true,
    });
    expect(node.broker.position).toBe(last.position);
  });

  it('an event published while another is delivered is delivered after it, in the order of positions', async () => {
    node = await Node.start('a', 'b');
    const finished: string[] = [];
    node.onReceived = ({ data }) => {
      if (data === '1') {
        void node.publish('b', '1.1');
        void node.publish('a', '1.2');
      }
      if (data === '1.1') void node.publish('a', '1.1.1');
      finished.push(data);
    };
    const one = node.publish('a', '1');
    const two = node.publish('a', '2');
    const [first, second] = await Promise.all([one, two]);
    expect(node.texts).toEqual(['1', '1.1', '1.2', '1.1.1', '2']);
    expect(finished).toEqual(node.texts);
    const positions = node.received.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((x, y) => x - y));
    expect(first.position).toBeLessThan(second.position);
  });

  it('a listener that fails loses no event for the others', async () => {
    node = await Node.start('a');
    node.onReceived = ({ data }) => {
      if (data !== '1') return;
      void node.publish('a', '2');
      throw new Error('a listener failed');
    };
    await expect(node.publish('a', '1')).rejects.toThrow('a listener failed');
    await node.publish('a', '3');
    expect(node.texts).toEqual(['1', '2', '3']);
  });

  it('stores events that are not volatile, in rooms with history', async () => {
    node = await Node.start('a', 'unstored');
    const receipts = [
      await node.publish('a', '1'),
      await node.publish('a', '2', { volatile: true }),
      await node.publish('unstored', '3'),
      await node.publish(['unstored', 'a'], '4'),
    ];
    expect(receipts.map(({ replayable }) => replayable)).toEqual([true, false, false, true]);
    expect(node.received.map(({ id }) => id !== undefined)).toEqual([true, false, false, true]);
    expect(node.received.map(({ volatile }) => volatile)).toEqual([false, true, false, false]);
    const { messages, incompleteRooms } = await node.broker.read(
      ['a', 'unstored'],
      (receipts[0]?.position ?? 0) - 1,
    );
    expect([messages.map(({ data }) => data), incompleteRooms]).toEqual([['1', '4'], []]);
  });

  it('delivers the excluded clients', async () => {
    node = await Node.start('a');
    await node.publish('a', '1', { except: ['me'] });
    expect(node.received[0]?.except).toEqual(['me']);
  });

  it('a publish with a known key returns the first receipt as a duplicate', async () => {
    node = await Node.start('a', 'b');
    const first = await node.publish('a', '1', { idempotencyKey: 'k' });
    const again = await node.publish('a', 'something else', { idempotencyKey: 'k' });
    const other = await node.publish('b', '2', { idempotencyKey: 'l' });
    expect(again).toEqual({ ...first, duplicate: true });
    expect([first.duplicate, other.duplicate]).toEqual([false, false]);
    expect(node.texts).toEqual(['1', '2']);
  });

  it('a key is known while its event is being delivered', async () => {
    node = await Node.start('a');
    let again: Promise<PublishReceipt> | undefined;
    node.onReceived = () => {
      again ??= node.publish('a', '1', { idempotencyKey: 'k' });
    };
    await node.publish('a', '1', { idempotencyKey: 'k' });
    expect((await again)?.duplicate).toBe(true);
    expect(node.texts).toEqual(['1']);
  });

  it('an event published after a read has a greater position than the page', async () => {
    node = await Node.start('a');
    const before = await node.publish('a', '1');
    const page = await node.broker.read(['a'], before.position);
    expect(page).toMatchObject({ epoch: node.broker.epoch, messages: [], incompleteRooms: [] });
    expect(page.position).toBeGreaterThanOrEqual(before.position);
    const after = await node.publish('a', '2');
    expect(after.position).toBeGreaterThan(page.position);
    const newest = await node.broker.read(['a'], undefined, 1);
    expect(newest.messages.map(({ data }) => data)).toEqual(['2']);
    expect((await node.broker.read(['a'], undefined)).messages).toEqual([]);
  });

  it('rejects calls before start and after close', async () => {
    node = new Node();
    const closed = expect.objectContaining({ code: 'broker-closed' }) as Error;
    await expect(node.publish('a', '1')).rejects.toThrow(closed);
    await node.broker.start(POLICY, node);
    await node.broker.subscribe('a');
    await node.broker.close();
    await expect(node.publish('a', '1')).rejects.toThrow(closed);
    await expect((async () => node.broker.subscribe('a'))()).rejects.toThrow(closed);
    await expect(node.broker.read(['a'], 0)).rejects.toThrow(closed);
    await node.broker.unsubscribe('a');
    await node.broker.close();
    expect(node.received).toEqual([]);
  });
});
