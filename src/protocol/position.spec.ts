import * as fc from 'fast-check';
import { checkEventId } from './input/event-fields.js';
import { formatPosition, parsePosition } from './position.js';

const NOW = Date.UTC(2026, 10, 23) * 1_000;
const MINUTE_US = 60_000_000;
const epoch = fc.integer({ min: 0, max: 0xffff_ffff }).map((n) => n.toString(16).padStart(8, '0'));

describe('a position on the wire', () => {
  it('is parsed as it was formatted', () => {
    fc.assert(
      fc.property(epoch, fc.integer({ min: 0, max: NOW + MINUTE_US }), (of, position) => {
        const id = formatPosition(of, position);
        expect(parsePosition(id, NOW)).toEqual({ epoch: of, position });
        expect(checkEventId(id)).toBe(id);
        expect(id).toMatch(/^[0-9a-z.]{12,24}$/);
      }),
    );
  });

  it('has one spelling: whatever is read is what formatPosition writes', () => {
    const nearly = fc
      .tuple(
        fc.constantFrom('1', '01', '2', '', ' 1'),
        fc.constantFrom('.', '..', ',', ''),
        fc.string({
          unit: fc.constantFrom('0', '1', '9', 'a', 'c', 'f', 'A', 'F', 'g'),
          minLength: 7,
          maxLength: 9,
        }),
        fc.string({
          unit: fc.constantFrom('0', '1', '9', 'a', 'z', 'Z', '-', '+', '.', 'e', ' '),
          maxLength: 13,
        }),
      )
      .map(([version, dot, name, digits]) => `${version}${dot}${name}.${digits}`);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 200 })), (id) => {
        const point = parsePosition(id, Number.MAX_SAFE_INTEGER);
        if (point !== undefined) expect(formatPosition(point.epoch, point.position)).toBe(id);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is accepted up to a minute ahead of the newest known position', () => {
    expect(parsePosition(formatPosition('00000000', NOW + MINUTE_US), NOW)).toBeDefined();
    expect(parsePosition(formatPosition('00000000', NOW + MINUTE_US + 1), NOW)).toBeUndefined();
  });

  it.each([
    ['empty', ''],
    ["an application's own", '42'],
    ['another version', '2.0a1b2c3d.abc'],
    ['another product', 'room:5@3'],
    ['a short epoch', '1.0a1b2c3.abc'],
    ['capitals in the epoch', '1.0A1B2C3D.abc'],
    ['no position', '1.0a1b2c3d.'],
    ['a leading zero', '1.0a1b2c3d.0abc'],
    ['a sign', '1.0a1b2c3d.-abc'],
    ['capital digits', '1.0a1b2c3d.ABC'],
    ['more than a double holds', '1.0a1b2c3d.zzzzzzzzzzz'],
    ['too many digits', '1.0a1b2c3d.111111111111'],
    ['a space before', ' 1.0a1b2c3d.abc'],
    ['a line after', '1.0a1b2c3d.abc\n'],
    ['a megabyte', `1.0a1b2c3d.${'1'.repeat(1_000_000)}`],
  ])('%s is no position', (_name, id) => {
    expect(parsePosition(id, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  });

  it('0 is the beginning', () => {
    expect(parsePosition('1.0a1b2c3d.0', NOW)).toEqual({ epoch: '0a1b2c3d', position: 0 });
  });
});
