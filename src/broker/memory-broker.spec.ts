import type { RoomMessage } from '../protocol/room-message.js';
import type {
  BrokerListener,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  SseBroker,
} from './broker.interface.js';
import { MemoryBroker } from './memory-broker.js';

const REMEMBERS: HistoryPolicy = {
  maxBytes: 1e9,
  limitsOf: (room) => !room.startsWith('forgotten') && { maxEvents: 100, maxAgeMs: 600_000 },
};

/** A node with one broker, and what it hears. */
class Node implements BrokerListener {
  readonly broker: SseBroker = new MemoryBroker();
  readonly heard: RoomMessage[] = [];
  readonly states: string[] = [];
  onHeard: (message: RoomMessage) => void = () => {};

  static async start(...rooms: string[]): Promise<Node> {
    const node = new Node();
    await node.broker.start(REMEMBERS, node);
    for (const room of rooms) await node.broker.subscribe(room);
    return node;
  }

  onMessage(message: RoomMessage): void {
    this.heard.push(message);
    this.onHeard(message);
  }
  onStateChange(state: string): void {
    this.states.push(state);
  }
  onEpochChange(): void {
    throw new Error('the memory of a process never begins anew');
  }
  onGap(): void {
    throw new Error('the memory of a process has no outages');
  }

  publish(rooms: string | string[], data: string, options: PublishOptions = {}): Promise<PublishReceipt> {
    return this.broker.publish([rooms].flat(), { event: undefined, data, serialized: false }, options);
  }

  get texts(): string[] {
    return this.heard.map(({ data }) => data);
  }
}

let node: Node;
afterEach(() => node.broker.close());

describe('the broker of one process', () => {
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
    expect(node.heard[1]).toMatchObject({ rooms: ['a', 'b', 'c'], position: positions[2], replayable: true });
    expect(node.broker.position).toBe(last.position);
  });

  it('an event published while another is delivered waits for its turn: one order for everyone', async () => {
    node = await Node.start('a', 'b');
    const finished: string[] = [];
    node.onHeard = ({ data }) => {
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
    const positions = node.heard.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((x, y) => x - y));
    expect(first.position).toBeLessThan(second.position);
  });

  it('a listener that fails loses no event for the others', async () => {
    node = await Node.start('a');
    node.onHeard = ({ data }) => {
      if (data !== '1') return;
      void node.publish('a', '2');
      throw new Error('a listener failed');
    };
    await expect(node.publish('a', '1')).rejects.toThrow('a listener failed');
    await node.publish('a', '3');
    expect(node.texts).toEqual(['1', '2', '3']);
  });

  it('keeps what may be kept: not volatile, and in a room that is remembered', async () => {
    node = await Node.start('a', 'forgotten');
    const receipts = [
      await node.publish('a', '1'),
      await node.publish('a', '2', { volatile: true }),
      await node.publish('forgotten', '3'),
      await node.publish(['forgotten', 'a'], '4'),
    ];
    expect(receipts.map(({ replayable }) => replayable)).toEqual([true, false, false, true]);
    expect(node.heard.map(({ id }) => id !== undefined)).toEqual([true, false, false, true]);
    expect(node.heard.map(({ volatile }) => volatile)).toEqual([false, true, false, false]);
    const { messages, incompleteRooms } = await node.broker.read(
      ['a', 'forgotten'],
      (receipts[0]?.position ?? 0) - 1,
    );
    expect([messages.map(({ data }) => data), incompleteRooms]).toEqual([['1', '4'], []]);
  });

  it('carries whom to leave out', async () => {
    node = await Node.start('a');
    await node.publish('a', '1', { except: ['me'] });
    expect(node.heard[0]?.except).toEqual(['me']);
  });

  it('a publish with a known key is the event it was', async () => {
    node = await Node.start('a', 'b');
    const first = await node.publish('a', '1', { idempotencyKey: 'k' });
    const again = await node.publish('a', 'something else', { idempotencyKey: 'k' });
    const other = await node.publish('b', '2', { idempotencyKey: 'l' });
    expect(again).toEqual({ ...first, duplicate: true });
    expect([first.duplicate, other.duplicate]).toEqual([false, false]);
    expect(node.texts).toEqual(['1', '2']);
  });

  it('a key that comes again while its event is delivered is known already', async () => {
    node = await Node.start('a');
    let again: Promise<PublishReceipt> | undefined;
    node.onHeard = () => {
      again ??= node.publish('a', '1', { idempotencyKey: 'k' });
    };
    await node.publish('a', '1', { idempotencyKey: 'k' });
    expect((await again)?.duplicate).toBe(true);
    expect(node.texts).toEqual(['1']);
  });

  it('a page is one moment: whatever is published later is newer than it', async () => {
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

  it('neither before it starts nor after it closes will it be used', async () => {
    node = new Node();
    const closed = expect.objectContaining({ code: 'broker-closed' }) as Error;
    await expect(node.publish('a', '1')).rejects.toThrow(closed);
    await node.broker.start(REMEMBERS, node);
    await node.broker.subscribe('a');
    await node.broker.close();
    await expect(node.publish('a', '1')).rejects.toThrow(closed);
    await expect((async () => node.broker.subscribe('a'))()).rejects.toThrow(closed);
    await expect(node.broker.read(['a'], 0)).rejects.toThrow(closed);
    await node.broker.unsubscribe('a');
    await node.broker.close();
    expect(node.heard).toEqual([]);
  });
});
