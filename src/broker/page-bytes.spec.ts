import { RoomMessage } from '../protocol/room-message.js';
import { endPageAt } from './page-bytes.js';

const EPOCH = '0a1b2c3d';

function pageOf(...lengths: number[]) {
  const messages = lengths.map(
    (length, index) =>
      new RoomMessage(
        { data: 'x'.repeat(length), serialized: false },
        { rooms: ['a'], epoch: EPOCH, position: index + 1, replayable: true },
      ),
  );
  return { epoch: EPOCH, position: 100, messages, incompleteRooms: ['a'] };
}

describe('endPageAt', () => {
  it.each<[number[], number, number]>([
    [[10, 10, 10], 25, 2],
    [[10, 10, 10], 20, 2],
    [[10, 10, 10], 5, 1],
    [[100, 1], 5, 1],
  ])(
    'ends a page of events of %j characters at %d characters after %d events',
    (lengths, maxBytes, count) => {
      const page = endPageAt(pageOf(...lengths), maxBytes);
      expect(page).toMatchObject({ hasMore: true, position: count, incompleteRooms: ['a'] });
      expect(page.messages).toHaveLength(count);
    },
  );

  it.each<[number[], number]>([
    [[10, 10], 20],
    [[100], 5],
    [[], 5],
    [[10, 10], Infinity],
  ])('leaves a page of events of %j characters whole at %d characters', (lengths, maxBytes) => {
    const page = pageOf(...lengths);
    expect(endPageAt(page, maxBytes)).toBe(page);
  });
});
