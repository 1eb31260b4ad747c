import * as fc from 'fast-check';
import { serializeData } from './serialize-data.js';

const never = (): string => {
  throw new Error('asked');
};
const toJson = (data: unknown): string => JSON.stringify(data);

describe('serializeData', () => {
  it('leaves any string as it is, without asking the serializer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (data) => {
        expect(serializeData(data, never)).toEqual({ data, serialized: false });
      }),
    );
  });

  it('any JSON value that is no string comes back from its text', () => {
    const json = fc.jsonValue().filter((value) => typeof value !== 'string');
    fc.assert(
      fc.property(json, (value) => {
        const { data, serialized } = serializeData(value, toJson);
        expect(serialized).toBe(true);
        expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each<[unknown, string]>([
    [null, 'null'],
    [true, 'true'],
    [false, 'false'],
    [0, '0'],
    [NaN, 'null'],
    [[], '[]'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ])('%p is %s', (value, data) => {
    expect(serializeData(value, toJson)).toEqual({ data, serialized: true });
  });

  it.each([undefined, () => 1, Symbol('x')])('refuses %p', (value) => {
    expect(() => serializeData(value, toJson)).toThrow(expect.objectContaining({ code: 'invalid-data' }));
  });

  it('refuses circular objects and BigInts, with the reason as the cause', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const value of [circular, 1n, { n: 1n }]) {
      expect(() => serializeData(value, toJson)).toThrow(
        expect.objectContaining({ code: 'invalid-data', cause: expect.any(TypeError) as TypeError }),
      );
    }
  });

  it('refuses what the serializer makes of it unless that is a string', () => {
    for (const made of [undefined, 1, null, {}, Buffer.from('x')]) {
      expect(() => serializeData({}, () => made as string)).toThrow(
        expect.objectContaining({ code: 'invalid-data' }),
      );
    }
    // As JSON.stringify does for an object whose toJSON gives undefined.
    expect(() => serializeData({ toJSON: () => undefined }, toJson)).toThrow(
      expect.objectContaining({ code: 'invalid-data' }),
    );
  });

  it.each([new Map([['a', 1]]), { tags: new Set(['a']) }, { file: Buffer.from('x') }])(
    'refuses %p with the default serializer and names the event and the cure',
    (data) => {
      expect(() => serializeData(data, JSON.stringify, 'paid')).toThrow(
        /the event "paid" holds a (Map|Set|Buffer) at data.* Send .*, or set the option "serialize"/,
      );
    },
  );

  it('leaves a Map to a serializer of the application', () => {
    expect(serializeData(new Map(), toJson)).toEqual({ data: '{}', serialized: true });
  });
});
