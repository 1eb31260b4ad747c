import * as fc from 'fast-check';
import { formatStreamPosition, parseStreamPosition, type StreamPosition } from './stream-position.js';

const NOW_US = 1_790_000_000_000_000;

const point = fc.record({
  epoch: fc.stringMatching(/^[0-9a-f]{8}$/),
  position: fc.integer({ min: 1, max: NOW_US }),
});
const anyPlace = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 63 }), point), {
    minLength: 1,
    maxLength: 64,
    selector: ([partition]) => partition,
  })
  .map((points): StreamPosition => new Map(points.toSorted(([a], [b]) => a - b)));

describe('the id of a place in several partitions', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyPlace, (place) => {
        const id = formatStreamPosition(place, true);
        expect(id).toMatch(/^2\.[0-9a-z~]+$/);
        expect([...(parseStreamPosition(id, NOW_US, 64) ?? [])]).toEqual([...place]);
      }),
    );
  });

  it('is the same in whatever order the partitions were given', () => {
    fc.assert(
      fc.property(anyPlace, (place) => {
        expect(formatStreamPosition(new Map([...place].toReversed()), true)).toBe(
          formatStreamPosition(place, true),
        );
      }),
    );
  });

  it('takes 21 characters for each partition, and is accepted with all 64', () => {
    const all: StreamPosition = new Map(
      Array.from({ length: 64 }, (_, partition) => [partition, { epoch: '0a1b2c3d', position: NOW_US }]),
    );
    const id = formatStreamPosition(all, true);
    expect(id.length).toBe(2 + 64 * 21 + 63);
    expect(parseStreamPosition(id, NOW_US, 64)?.size).toBe(64);
  });

  const one = '2.000a1b2c3d000hoejuhuh9';
  it.each([
    ['nothing', ''],
    ['nothing but the version', '2.'],
    ['an id of one partition', '1.0a1b2c3d.hoejuhuh9i'],
    ['an unknown version', one.replace('2.', '3.')],
    ['a partition that there is not', '2.040a1b2c3d000hoejuhuh'],
    ['a partition twice', `${one}~${one.slice(2)}`],
    ['partitions in another order', '2.010a1b2c3d000hoejuhuh~000a1b2c3d000hoejuhuh'],
    ['an empty part', '2.000a1b2c3d000hoejuhuh~'],
    ['capitals', '2.000A1B2C3D000hoejuhuh'],
    ['a part that is too long', `${one}0`],
    ['the far future', '2.000a1b2c3dzzzzzzzzzzz'],
    ['more than any id has', `2.${'000a1b2c3d000hoejuhuh~'.repeat(80)}`],
    ['a line break', '2.000a1b2c3d000hoejuhuh\n'],
  ])('is no place: %s', (_, id) => {
    expect(parseStreamPosition(id, NOW_US, 4)).toBeUndefined();
  });

  it('is any text that is read without an error', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.integer({ min: 1, max: 64 }),
        (id, count) => {
          const place = parseStreamPosition(id, NOW_US, count);
          if (place !== undefined) expect(formatStreamPosition(place, count > 1)).toBe(id);
        },
      ),
    );
  });
});

describe('the id of a place in the only partition', () => {
  it('is the short one, and no other is read', () => {
    const place: StreamPosition = new Map([[0, { epoch: '0a1b2c3d', position: 35 }]]);
    expect(formatStreamPosition(place, false)).toBe('1.0a1b2c3d.z');
    expect(parseStreamPosition('1.0a1b2c3d.z', NOW_US, 1)).toEqual(place);
    expect(parseStreamPosition('2.000a1b2c3d0000000000z', NOW_US, 1)).toBeUndefined();
  });
});
