import * as fc from 'fast-check';
import { refusal } from '../../test/support/refusal.js';
import { checkTemplates, parametersOf, roomsOfRequest, type RoomSource } from './room-names.js';

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

  it.each<[string, string, readonly string[]]>([
    ['chat::id', '7:notes', ['7.notes', '7-notes']],
    ['chat.:id', '7.notes', ['7:notes', '7-notes']],
    ['chat-:id', '7-notes', ['7:notes', 'a_b']],
    ['chat_:id', '7_notes', ['7-notes']],
    ['chat/:id', '7/notes', ['7:notes', '7.notes']],
    ['chat💬:id', '7💬notes', ['7📣notes']],
    ['chat :id', '7 notes', ['7-notes']],
    [':id.json', '7.json', ['7-json']],
    ['room:id', '7/notes', ['7:notes']],
    [':id', 'a/b', ['a:b', 'a.b', 'a-b']],
  ])('refuses in %j the parameter %j, and accepts %j', async (template, refused, accepted) => {
    const error = await refusal(() => roomsOfRequest([template], { params: { id: refused } }));
    expect(error).toMatchObject({ code: 'unknown-route-parameter' });
    for (const id of accepted)
      expect(await roomsOfRequest([template], { params: { id } })).toEqual([template.replace(':id', id)]);
  });

  it('tells apart all parameters of one template', async () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'b', '-', ':', '/', 'x'),
      minLength: 1,
      maxLength: 4,
    });
    for (const template of [':a-:b', ':a-:b/:a', ':a-x:b', ':a::b', 'x:a/-:b', ':aéx-:b']) {
      const parametersOfRoom = new Map<string, string>();
      await fc.assert(
        fc.asyncProperty(value, value, async (a, b) => {
          const filled = async (): Promise<string[]> => roomsOfRequest([template], { params: { a, b } });
          const [room = ''] = await filled().catch(() => []);
          if (room === '') return;
          const parameters = JSON.stringify([a, b]);
          expect(parametersOfRoom.get(room) ?? parameters).toBe(parameters);
          parametersOfRoom.set(room, parameters);
        }),
        { numRuns: 500 },
      );
      expect(parametersOfRoom.size).toBeGreaterThan(20);
    }
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

describe('the templates of a route', () => {
  it.each([':a:b', ':aé:b', 'orders/:a:b/:c', ['lobby', ':a/:b:c']])(
    'are refused at start-up if parameters stand beside each other: %j',
    async (source) => {
      const error = await refusal(() => checkTemplates(source, 'Chat.events()'));
      expect(error).toMatchObject({ code: 'invalid-room' });
      expect(String(error)).toMatch(/Chat\.events\(\).*separator/);
    },
  );

  it.each([':a-:b', ':a::b', ':a-x:b', ':a/:b.json', 'room:id', 'at 12:30', 7])('may be %j', (source) => {
    checkTemplates(source, 'Chat.events()');
    expect(parametersOf(source)).toHaveLength(String(source).match(/:[a-z]/g)?.length ?? 0);
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
