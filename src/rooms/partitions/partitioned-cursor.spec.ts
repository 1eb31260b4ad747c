import { RoomMessage } from '../../protocol/room-message.js';
import type { ResumePoint } from '../../protocol/position.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import { LostCopies } from './lost-copies.js';
import { PartitionedCursor, StampedFrames, type PartitionPositions } from './partitioned-cursor.js';

const EPOCH = '0a1b2c3d';

/** A node with three partitions. The last digit of a room's name is its partition; `*` is in partition 0. */
class FakeNode implements PartitionPositions {
  readonly stamped = new StampedFrames();
  readonly lostCopies = new LostCopies();
  readonly positions = [10, 10, 10];

  partitionOf(room: string): number {
    return room === '*' ? 0 : Number(room.at(-1));
  }

  positionOf(partition: number): ResumePoint {
    return { epoch: EPOCH, position: this.positions[partition] as number };
  }

  cursor(...rooms: string[]): PartitionedCursor {
    const cursor = new PartitionedCursor(
      this,
      this.positions.map((position) => ({ epoch: EPOCH, position })),
    );
    for (const room of rooms) cursor.joined(room, this.positions[this.partitionOf(room)]);
    return cursor;
  }
}

function frameOf(partition: number, position: number): SseFrame {
  const message = new RoomMessage(
    { data: 'x', serialized: false },
    { rooms: [`room ${partition}`], epoch: EPOCH, position, replayable: true },
  );
  message.partition = partition;
  return message.frame;
}

function idOf(frame: SseFrame | undefined): Record<number, number> {
  const id = /^id: 2\.(.*)$/m.exec(frame?.bytes.toString() ?? '')?.[1] ?? '';
  return Object.fromEntries(
    id.split('~').map((part) => [parseInt(part.slice(0, 2), 36), parseInt(part.slice(10), 36)]),
  );
}

describe('a cursor of several partitions', () => {
  it('names in each id the positions in all partitions of its rooms, and in no other', () => {
    const node = new FakeNode();
    const cursor = node.cursor('a1');
    expect(idOf(cursor.advance(frameOf(1, 20), true))).toEqual({ 0: 10, 1: 20 });
    cursor.joined('a2', 10);
    expect(idOf(cursor.advance(frameOf(1, 21), true))).toEqual({ 0: 10, 1: 21, 2: 10 });
    cursor.left('a1');
    expect(idOf(cursor.advance(frameOf(2, 30), true))).toEqual({ 0: 10, 2: 30 });
  });

  it('passes each position once', () => {
    const cursor = new FakeNode().cursor('a1');
    expect(cursor.advance(frameOf(1, 20), true)).toBeDefined();
    expect(cursor.advance(frameOf(1, 20), true)).toBeUndefined();
    expect(cursor.advance(frameOf(1, 19), true)).toBeUndefined();
    expect(cursor.advance(frameOf(0, 19), true)).toBeDefined();
  });

  it('takes the position of the node in other partitions while the client is live, and not while it catches up', () => {
    const node = new FakeNode();
    const [live, catchingUp] = [node.cursor('a1'), node.cursor('a1')];
    node.positions[0] = 15;
    const frame = frameOf(1, 20);
    expect(idOf(live.advance(frame, true))).toEqual({ 0: 15, 1: 20 });
    expect(idOf(catchingUp.advance(frame, false))).toEqual({ 0: 10, 1: 20 });
  });

  it('never moves a client back that has read past the position of its node', () => {
    const cursor = new FakeNode().cursor('a1');
    cursor.move(0, { epoch: EPOCH, position: 18 });
    expect(idOf(cursor.advance(frameOf(1, 20), true))).toEqual({ 0: 18, 1: 20 });
  });

  it('gives clients at the same position the same frame, encoded once', () => {
    const node = new FakeNode();
    const frame = frameOf(1, 20);
    const frames = [node.cursor('a1'), node.cursor('b1', 'a1'), node.cursor('a1')].map((cursor) =>
      cursor.advance(frame, true),
    );
    expect(frames[0]).toBeDefined();
    expect(new Set(frames).size).toBe(1);
    const other = node.cursor('a1', 'a2').advance(frame, true);
    expect(idOf(other)).toEqual({ 0: 10, 1: 20, 2: 10 });
    expect(node.cursor('a1').advance(frame, true)).toBe(frames[0]);
  });

  it('changes only the id in the bytes of the event', () => {
    const frame = new FakeNode().cursor('a1').advance(frameOf(1, 20), true) as SseFrame;
    expect(frame.bytes.toString()).toBe('data: x\nid: 2.000a1b2c3d0000000000a~010a1b2c3d0000000000k\n\n');
    expect(frame.position).toBe(20);
  });
});

describe('an event published to several partitions', () => {
  const copies = [{ partition: 1, position: 20, rooms: ['a1', 'b1'] }];

  it('was received through the earlier partition by a client in a room of it', () => {
    const cursor = new FakeNode().cursor('a1', 'a2');
    expect(cursor.hasReceivedCopy(copies)).toBe(true);
  });

  it('was not received there by a client that is in another room, joined later, or has left', () => {
    const node = new FakeNode();
    expect(node.cursor('c1').hasReceivedCopy(copies)).toBe(false);
    const late = node.cursor();
    late.joined('a1', 20);
    expect(late.hasReceivedCopy(copies)).toBe(false);
    const pending = node.cursor();
    pending.joined('a1', undefined);
    expect(pending.hasReceivedCopy(copies)).toBe(false);
    const left = node.cursor('a1');
    left.left('a1');
    expect(left.hasReceivedCopy(copies)).toBe(false);
  });

  it('is received there by a client that resumes in that partition', () => {
    const node = new FakeNode();
    const cursor = node.cursor();
    cursor.joined('a1', 30);
    cursor.countRoomsFrom(1, 0);
    expect(cursor.hasReceivedCopy(copies)).toBe(true);
  });

  it('is received once by a client in both rooms where it has no position', () => {
    const cursor = new FakeNode().cursor('a1');
    expect(cursor.hasReceivedCopy([{ partition: 1, position: 0, rooms: ['a1'] }])).toBe(true);
    expect(cursor.hasReceivedCopy([{ partition: 1, position: 0, rooms: ['b1'] }])).toBe(false);
  });
});
