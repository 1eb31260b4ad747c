import { refusal } from '../../test/support/refusal.js';
import { parametersOf, roomsOfRequest, type RoomSource } from './room-names.js';

const NO_PARAMETER = { params: undefined };

describe('the rooms of a request', () => {
  it.each<[string, RoomSource<never>[], object, string[]]>([
    ['no source', [], {}, []],
    ['a name', ['lobby'], {}, ['lobby']],
    ['room 0', [0], {}, ['0']],
    ['a list', [['a', 7, 'b']], {}, ['a', '7', 'b']],
    ['each once, in the order given', ['a', ['b', 'a'], 'c', 'b'], {}, ['a', 'b', 'c']],
    ['a parameter', ['orders/:id'], { id: '7' }, ['orders/7']],
    ['several', [':a-:b/:a'], { a: '1', b: '2' }, ['1-2/1']],
    ['a number in a parameter', [':id'], { id: 0 }, ['0']],
    ['a parameter next to letters', [':id.json'], { id: '7' }, ['7.json']],
    ['a name that is part of another', [':id/:idea'], { id: '1', idea: '2' }, ['1/2']],
    ['a value that looks like a parameter is text', [':a/x'], { a: ':b', b: 'no' }, [':b/x']],
    ['a value with replacement patterns is text', [':a'], { a: "$&$1$'" }, ["$&$1$'"]],
    ['a colon before a digit is no parameter', ['at 12:30'], {}, ['at 12:30']],
  ])('%s', async (_name, sources, params, rooms) => {
    expect(await roomsOfRequest(sources, { params })).toEqual(rooms);
  });

  it.each<[string, (request: { readonly query: { readonly room: string } }) => unknown, string[]]>([
    ['a name', ({ query }) => query.room, ['lobby']],
    ['a promise', async ({ query }) => [query.room, 'b'], ['lobby', 'b']],
    ['none', () => [], []],
    ['a number', () => 0, ['0']],
    ['a name with a colon, which is no template', () => ':id', [':id']],
  ])('from a function: %s', async (_name, source, rooms) => {
    const request = { params: { id: '7' }, query: { room: 'lobby' } };
    expect(await roomsOfRequest([source as RoomSource<never>], request)).toEqual(rooms);
  });

  it.each([['', undefined, null, NaN, {}, true, '*', 'a\nb', 'x'.repeat(256)]].flat())(
    'refuses %p from a function, alone and in a list',
    async (room) => {
      for (const result of [room, ['a', room], Promise.resolve(room)]) {
        const source = (() => result) as RoomSource<never>;
        expect(await refusal(() => roomsOfRequest([source], NO_PARAMETER))).toMatchObject({
          code: room === undefined || room === null ? 'missing-room' : 'invalid-room',
        });
      }
    },
  );

  it.each<[string, object | undefined]>([
    ['a missing parameter', {}],
    ['no parameters at all', undefined],
    ['an empty one', { id: '' }],
    ['a list', { id: ['7'] }],
    ['an object', { id: { a: 1 } }],
  ])('refuses %s, and names the parameter', async (_name, params) => {
    const error = await refusal(() => roomsOfRequest(['orders/:id'], { params }));
    expect(error).toMatchObject({ code: 'unknown-route-parameter' });
    expect(String(error)).toMatch(/orders\/:id.*"id"/);
  });

  it.each(['*', 'a\nb', 'x'.repeat(256)])('refuses a parameter that results in the room %j', async (id) => {
    expect(await refusal(() => roomsOfRequest([':id'], { params: { id } }))).toMatchObject({
      code: 'invalid-room',
    });
  });

  it('rethrows the exception of a function', async () => {
    const failure = new Error('forbidden');
    const fails = (): never => {
      throw failure;
    };
    expect(await refusal(() => roomsOfRequest([fails], NO_PARAMETER))).toBe(failure);
    expect(await refusal(() => roomsOfRequest([() => Promise.reject(failure)], NO_PARAMETER))).toBe(failure);
  });
});

describe('the parameters of a source', () => {
  it('are those of its templates', () => {
    expect(parametersOf('orders/:id/:line_2')).toEqual(['id', 'line_2']);
    expect(parametersOf([':a', 'b', 7, ':c'])).toEqual(['a', 'c']);
    expect(parametersOf('at 12:30')).toEqual([]);
    expect(parametersOf(() => ':id')).toEqual([]);
  });
});
