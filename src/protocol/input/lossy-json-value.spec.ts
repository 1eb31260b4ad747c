import * as fc from 'fast-check';
import { of } from 'rxjs';
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
    ['Error', { error: new TypeError('lost') }, '.error'],
    ['RegExp', [/a/], '[0]'],
    ['Map Iterator', { names: new Map([['a', 1]]).keys() }, '.names'],
    ['URLSearchParams', { query: new URLSearchParams('a=1') }, '.query'],
    ['Observable', { later: of(1) }, '.later'],
  ])('finds a %s and its path', (type, data, path) => {
    expect(find(data)).toEqual({ type, path, cure: expect.any(String) as string });
  });

  it('accepts empty objects, dates, numbers as objects, instances and objects with toJSON', () => {
    const data = { none: {}, at: new Date(0), map: new Serializable([['0', 1]]), deep: [{ '0': {} }] };
    const empty = [Object.create(null), new (class Ping {})(), new Number(1), new Boolean(true), []];
    expect(find({ ...data, empty })).toBeUndefined();
  });

  it('accepts an Error with properties of its own, which JSON writes', () => {
    expect(find({ none: {}, error: Object.assign(new Error('lost'), { status: 404 }) })).toBeUndefined();
  });

  it('accepts every JSON value', () => {
    fc.assert(fc.property(fc.jsonValue(), (data) => find(data) === undefined));
  });
});
