import * as fc from 'fast-check';
import { findLossyJsonValue } from './lossy-json-value.js';

const find = (data: unknown) => findLossyJsonValue(data, JSON.stringify(data));

class Serializable extends Map<string, number> {
  toJSON(): object {
    return Object.fromEntries(this);
  }
}

describe('findLossyJsonValue', () => {
  it.each<[string, unknown, string]>([
    ['Map', new Map([['a', 1]]), ''],
    ['Set', { tags: new Set(['a']) }, '.tags'],
    ['Promise', [{ later: Promise.resolve(1) }], '[0].later'],
    ['Buffer', { file: { bytes: Buffer.from('x') } }, '.file.bytes'],
    ['Uint8Array', { bytes: new Uint8Array(2) }, '.bytes'],
    ['Uint8Array', { bytes: new Uint8Array(0) }, '.bytes'],
    ['ArrayBuffer', [new ArrayBuffer(2)], '[0]'],
  ])('finds a %s and its path', (type, data, path) => {
    expect(find(data)).toEqual({ type, path, cure: expect.any(String) as string });
  });

  it('accepts empty objects, dates and objects with toJSON', () => {
    const data = { none: {}, at: new Date(0), map: new Serializable([['0', 1]]), deep: [{ '0': {} }] };
    expect(find(data)).toBeUndefined();
  });

  it('accepts every JSON value', () => {
    fc.assert(fc.property(fc.jsonValue(), (data) => find(data) === undefined));
  });
});
