import * as fc from 'fast-check';
import { RoomMessage } from '../protocol/room-message.js';
import { RoomHistory } from './room-history.js';

function messageAt(position: number): RoomMessage {
  return new RoomMessage(
    { event: undefined, data: String(position), serialized: false },
    { rooms: ['a'], epoch: '00000000', position, replayable: true },
  );
}

function positions(entries: ReturnType<RoomHistory['after']>): number[] {
  return entries.map(({ message }) => message.position);
}

const limits = { maxEvents: 5, maxAgeMs: 1_000 };

describe('the history of one room', () => {
  it('each entry names the one before it, also after that one was dropped', () => {
    const room = new RoomHistory(limits);
    expect(room.add(messageAt(3), 10).previous).toBe(0);
    expect(room.add(messageAt(7), 10).previous).toBe(3);
    room.shift();
    room.shift();
    expect(room.add(messageAt(9), 10).previous).toBe(7);
    expect(room.lastPosition).toBe(9);
  });

  it('returns nothing when it is empty', () => {
    const room = new RoomHistory(limits);
    expect([room.size, room.oldest, room.shift(), room.after(0), room.newest(3), room.lastPosition]).toEqual([
      0,
      undefined,
      0,
      [],
      [],
      0,
    ]);
  });

  it('stores the newest events in order and finds those after a position, for random operations', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.constant('shift' as const)), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(steps, fc.nat({ max: 800 }), fc.nat({ max: 20 }), (all, after, count) => {
        const room = new RoomHistory(limits);
        const expected: number[] = [];
        let position = 0;
        for (const step of all) {
          if (step === 'add') {
            room.add(messageAt((position += 2)), position);
            expected.push(position);
          } else expect(room.shift()).toBe(expected.shift() ?? 0);
        }
        expect([room.size, room.oldest?.message.position]).toEqual([expected.length, expected[0]]);
        expect(positions(room.after(after))).toEqual(expected.filter((at) => at > after));
        expect(positions(room.newest(count))).toEqual(count === 0 ? [] : expected.slice(-count));
        expect(room.lastPosition).toBe(position);
      }),
    );
  });
});
