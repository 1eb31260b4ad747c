import { of } from 'rxjs';
import { testApp, connectClient, type ConnectedPair } from '../support/test.controller.js';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { eventually, someTurns } from '../support/within.js';
import type { SseClient } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** Names, data to send, and the data that a browser reads. */
const data: [string, unknown, string][] = [
  ['text', 'hello', 'hello'],
  ['empty text', '', ''],
  ['text with every line end', 'a\nb\r\nc\rd\n', 'a\nb\nc\nd\n'],
  ['text with a leading space', ' lead', ' lead'],
  ['text that looks like a field', 'event: evil\n\ndata: pwn\nid: 9', 'event: evil\n\ndata: pwn\nid: 9'],
  ['text of many alphabets', 'zürich 漢字 🙂 \u2028', 'zürich 漢字 🙂 \u2028'],
  ['an object', { id: 7, text: 'a\nb' }, '{"id":7,"text":"a\\nb"}'],
  ['a list', [1, 'two', null], '[1,"two",null]'],
  ['a number', 0, '0'],
  ['true', true, 'true'],
  ['false', false, 'false'],
  ['null', null, 'null'],
  ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
];

const refusedData: [string, unknown][] = [
  ['undefined', undefined],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a circular object', circular],
  ['a bigint', { n: 1n }],
];

const refusedNames = ['a\nb', 'a\rb', 'a\r\nb', 'a\0b', 'error', 'open', 'sse:ready', 'sse:mine'];

const eventNames = async ({ stream }: ConnectedPair, count: number) =>
  (await stream.nextEvents(count)).map(({ event }) => event);

describe.each(allPlatforms)('sending on $name', (platform) => {
  let running: RunningApp;
  let pair: ConnectedPair;

  beforeAll(async () => {
    running = await platform.start(testApp());
  });
  beforeEach(async () => {
    pair = await connectClient(running, '/rooms/lobby');
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it.each(data)('%s is sent as data, with and without an event name', async (_what, value, read) => {
    const { sse } = running;
    const { client, stream } = pair;
    expect(await Promise.resolve<unknown>(sse.send(client, value))).toBe(true);
    expect(await Promise.resolve<unknown>(sse.send(client, 'named', value))).toBe(true);
    await sse.broadcast('lobby', value);
    await sse.broadcast('lobby', 'named', value);
    const events = await stream.nextEvents(4);
    expect(events.map((event) => [event.event, event.data])).toEqual([
      ['message', read],
      ['named', read],
      ['message', read],
      ['named', read],
    ]);
  });

  it.each(refusedData)('%s is refused with an SseError, and not a byte is sent', async (_what, value) => {
    const { sse } = running;
    const { client, stream } = pair;
    await someTurns();
    const before = stream.rawText;
    for (const call of [
      () => sse.send(client, value),
      () => sse.send(client, 'named', value),
      () => client.send('named', value),
      () => sse.broadcast('lobby', value),
      () => sse.broadcast('lobby', 'named', value),
    ]) {
      await sseRefusal(call);
    }
    sse.send(client, 'sentinel', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'sentinel' });
    expect(stream.rawText.slice(before.length)).not.toContain('named');
  });

  it.each(refusedNames)('the event name %j is refused', async (name) => {
    const { sse } = running;
    const { client, stream } = pair;
    await sseRefusal(() => sse.send(client, name, 1));
    await sseRefusal(() => sse.broadcast('lobby', name, 1));
    await sseRefusal(() => sse.broadcast('*', name, 1));
    sse.send(client, 'sentinel', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'sentinel' });
  });

  it.each(['a\nb', 'a\rb', 'a\0b'])('the id %j is refused', async (id) => {
    const plain = await connectClient(running, '/plain');
    await sseRefusal(() => running.sse.send(plain.client, 'named', 1, { id }));
  });

  it('a call without data is refused', async () => {
    const { sse } = running;
    await sseRefusal(() => sse.send(...unchecked<[SseClient, unknown]>([pair.client])));
    await sseRefusal(() => sse.broadcast(...unchecked<[string, unknown]>(['lobby'])));
  });

  it('an unknown or wrong option is refused, with the name that was probably meant', async () => {
    const { sse } = running;
    const { client } = pair;
    for (const [call, message] of [
      [
        () => sse.broadcast('lobby', 'x', 1, unchecked({ volatil: true })),
        '"volatil". Did you mean "volatile"',
      ],
      [
        () => sse.broadcast('lobby', 'x', 1, unchecked({ execpt: client })),
        '"execpt". Did you mean "except"',
      ],
      [
        () => sse.broadcast('lobby', 'x', 1, unchecked({ volatile: 1 })),
        '"volatile" of broadcast is true or false',
      ],
      [() => sse.send(client, 'x', 1, unchecked({ voltile: true })), '"voltile". Did you mean "volatile"'],
      [() => sse.join(client, 'kitchen', unchecked({ repaly: 5 })), '"repaly". Did you mean "replay"'],
      [() => client.join('kitchen', unchecked({ replay: '5' })), '"replay" of join is a whole number'],
      [() => client.join('kitchen', unchecked(null)), 'options of join are an object, not null'],
      [() => sse.add({}, {}, unchecked({ room: 'a' })), '"room". Did you mean "rooms"'],
    ] as const) {
      const error = await sseRefusal(call);
      expect([error.code, error.message]).toEqual(['invalid-arguments', expect.stringContaining(message)]);
    }
    expect(client.in('kitchen')).toBe(false);
  });

  it.each(['', 'x'.repeat(256), 7, null, {}, ['k'], 'a\ud800', 'a\nb', '\u202ea'])(
    'the idempotency key %j is refused',
    async (key) => {
      const options = { idempotencyKey: unchecked<string>(key) };
      const error = await sseRefusal(() => running.sse.broadcast('lobby', 'x', 1, options));
      expect([error.code, error.message]).toEqual([
        'invalid-arguments',
        expect.stringContaining('a string of 1 to 255 characters'),
      ]);
    },
  );

  it('an option that is undefined counts as absent, and the longest idempotency key is accepted', async () => {
    const absent = { volatile: undefined, idempotencyKey: undefined, except: undefined };
    await running.sse.broadcast('lobby', 'x', 1, unchecked(absent));
    await running.sse.broadcast('lobby', 'y', 1, { idempotencyKey: 'k'.repeat(255) });
    expect(await eventNames(pair, 2)).toEqual(['x', 'y']);
  });

  it('data and options without a name are refused with the right call', async () => {
    const error = await sseRefusal(() =>
      running.sse.broadcast(
        ...unchecked<[string, undefined, unknown]>(['lobby', { id: 7 }, { volatile: true }]),
      ),
    );
    expect(error.message).toContain('broadcast(room, undefined, data, options)');
  });

  it('a pattern is refused as a room', async () => {
    for (const room of ['orders/*', ['lobby', 'orders/*']]) {
      const error = await sseRefusal(() => running.sse.broadcast(room, 'x', 1));
      expect([error.code, error.message]).toEqual([
        'invalid-room',
        expect.stringContaining('a pattern only in the option "rooms"'),
      ]);
    }
    await sseRefusal(() => running.sse.join(pair.client, 'orders/*'));
  });

  it.each([
    ['client-id', true],
    [{ user: 7 }, true],
    [undefined, false],
    [null, false],
  ])(
    'a target that is no client is refused where the call takes none of another node: %j',
    async (target, namesAny) => {
      const { sse } = running;
      const client = unchecked<SseClient>(target);
      for (const call of [
        ...(namesAny ? [] : [() => sse.send(client, 'x', 1), () => sse.join(client, 'lobby')]),
        () => sse.in(client, 'lobby'),
        () => sse.setRetry(client, 5),
        () => sse.remove(client),
      ]) {
        const error = await sseRefusal(call);
        expect([error.code, error.message]).toEqual([
          'invalid-arguments',
          expect.stringContaining('takes an SseClient, as from @ConnectedClient()'),
        ]);
      }
    },
  );

  it('an error of the application has a code and explains its remedy', async () => {
    const error = await sseRefusal(() => running.sse.send(pair.client, 'a\nb', 1));
    expect(error.name).toBe('SseError');
    expect(error.code).toMatch(/^[a-z-]+$/);
    expect(error.message.length).toBeGreaterThan(20);
  });

  it('an error for unserializable data has its cause', async () => {
    const error = await sseRefusal(() => running.sse.broadcast('lobby', 'named', circular));
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it('setRetry sends whole milliseconds from 0 on, and refuses anything else', async () => {
    const { sse } = running;
    const { client, stream } = pair;
    for (const ms of [4_321, 0]) {
      sse.setRetry(client, ms);
      sse.send(client, 'with', ms);
      expect(await stream.nextEvent()).toMatchObject({ event: 'with', data: String(ms) });
      expect(stream.retries.at(-1)).toBe(ms);
    }
    for (const wrong of [-1, 1.5, NaN, Infinity, ...['3000', undefined, null].map(unchecked<number>)]) {
      await sseRefusal(() => sse.setRetry(client, wrong));
    }
  });

  it('send to a disconnected client returns false, without an error', async () => {
    pair.stream.close();
    await pair.client.closed;
    expect(await Promise.resolve<unknown>(running.sse.send(pair.client, 'late', 1))).toBe(false);
    expect(await Promise.resolve<unknown>(pair.client.send('late'))).toBe(false);
  });

  it('a broadcast to an empty room is accepted', async () => {
    await running.sse.broadcast('empty-room', 'event', 1);
    expect([...running.sse.rooms()]).not.toContain('empty-room');
  });

  it('events arrive in the order of the calls, sends and broadcasts alike', async () => {
    const { sse } = running;
    const accepted: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n++) accepted.push(sse.broadcast('lobby', String(n)));
    await Promise.all(accepted);
    for (let n = 200; n < 400; n++) pair.client.send(String(n));
    const received = await pair.stream.nextEvents(400);
    expect(received.map((event) => Number(event.data))).toEqual(Array.from({ length: 400 }, (_, n) => n));
  });

  it("a broadcast to '*' reaches every client, in a room or not", async () => {
    const outside = await connectClient(running, '/plain');
    await running.sse.broadcast('*', 'all', 1);
    expect(await pair.stream.nextEvent()).toMatchObject({ event: 'all' });
    expect(await outside.stream.nextEvent()).toMatchObject({ event: 'all' });
  });

  it('a broadcast to several rooms is one event for each client', async () => {
    const { sse } = running;
    const elsewhere = await connectClient(running, '/rooms/kitchen');
    await sse.join(pair.client, 'kitchen');
    await sse.broadcast(['lobby', 'kitchen', 'lobby'], 'dinner', 1);
    await sse.broadcast('*', 'sentinel', 1);
    for (const { stream } of [pair, elsewhere]) {
      const events = await stream.nextEvents(2);
      expect(events.map(({ event }) => event)).toEqual(['dinner', 'sentinel']);
    }
  });

  it.each(['/plain', '/rooms/lobby'])(
    'a broadcast to several rooms, joined while the stream of %s is open, is one event',
    async (path) => {
      const { sse } = running;
      const { client, stream } = await connectClient(running, path);
      for (const room of ['cellar', 'attic']) await sse.join(client, room);
      await sse.broadcast(['cellar', 'attic'], 'both', 1);
      await sse.broadcast(['attic', '*'], 'all', 1);
      await sse.broadcast('*', 'sentinel', 1);
      expect(await eventNames({ client, stream }, 3)).toEqual(['both', 'all', 'sentinel']);
    },
  );

  it('except excludes one client, or several', async () => {
    const { sse } = running;
    const [second, third] = [
      await connectClient(running, '/rooms/lobby'),
      await connectClient(running, '/rooms/lobby'),
    ];
    await sse.broadcast('lobby', 'not-first', 1, { except: pair.client });
    await sse.broadcast('*', 'third-only', 1, { except: [pair.client, second.client] });
    await sse.broadcast('lobby', 'sentinel', 1);
    expect(await eventNames(pair, 1)).toEqual(['sentinel']);
    expect(await eventNames(second, 2)).toEqual(['not-first', 'sentinel']);
    expect(await eventNames(third, 3)).toEqual(['not-first', 'third-only', 'sentinel']);
  });
});

describe.each(platforms)('a call that fails unawaited on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(testApp());
  });
  afterEach(() => running.close());

  // Jest fails the test on an unhandled rejection.
  it('is logged and does not crash the process', async () => {
    const { stream, client } = await connectClient(running);
    running.logger.clear();
    void running.sse.broadcast('lobby', 'named', circular);
    void running.sse.broadcast('lobby', 'a\nb', 1);
    void running.sse.broadcast('', 'named', 1);
    await eventually(() => running.logger.complaints.length >= 3, 'three lines in the log');
    client.send('sentinel', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'sentinel' });
  });

  it.each<[string, (running: RunningApp, client: SseClient) => unknown, string, RegExp]>([
    [
      'circular data',
      ({ sse }) => void sse.broadcast('orders/1', 'paid', circular),
      'broadcast("orders/1", "paid", …) failed',
      /Caused by TypeError: Converting circular structure/,
    ],
    [
      'a BigInt',
      ({ sse }) => void sse.broadcast(['a', 'b'], 'paid', { amount: 1n }),
      'broadcast(["a", "b"], "paid", …) failed',
      /Caused by TypeError: Do not know how to serialize a BigInt/,
    ],
    [
      'data without a name',
      ({ sse }) => void sse.broadcast('a', new Map()),
      'broadcast("a", …) failed',
      /Map at data/,
    ],
    [
      'an option',
      ({ sse }) => void sse.broadcast('a', 'x', 1, unchecked({ volatil: true })),
      'broadcast("a", "x", …) failed',
      /Did you mean "volatile"/,
    ],
    ['a room', ({ sse }) => void sse.broadcast('', 'x', 1), 'broadcast("", "x", …) failed', /not empty/],
    [
      'a user',
      ({ sse }) => void sse.disconnect({ user: 7 }),
      'disconnect({ user: 7 }) failed',
      /without the option "identify"/,
    ],
    [
      'a user that leaves',
      ({ sse }) => void sse.leave({ user: 'ann' }, 'chat'),
      'leave({ user: "ann" }, "chat") failed',
      /without the option "identify"/,
    ],
    [
      'a join of the service',
      ({ sse }, client) => void sse.join(client, 'user/undefined'),
      'join(client, "user/undefined") failed',
      /has no value/,
    ],
    [
      'a join of the client',
      (_, client) => void client.join('user/undefined'),
      'join(client, "user/undefined") failed',
      /has no value/,
    ],
  ])(
    'is logged with the call, for %s, and its stack begins with the caller',
    async (_, call, subject, why) => {
      const { client } = await connectClient(running);
      running.logger.clear();
      (function theCaller(): void {
        call(running, client);
      })();
      await eventually(() => running.logger.complaints.length > 0, 'a line in the log');
      const [line, ...others] = running.logger.complaints;
      expect(others).toEqual([]);
      expect(line?.text.startsWith(subject)).toBe(true);
      expect(line?.text).toMatch(why);
      const frames = line?.text.split('\n').filter((text) => text.startsWith('    at ')) ?? [];
      expect(frames[0]).toContain('sending.e2e-spec');
      expect(frames[1]).toContain('theCaller');
    },
  );

  it('is refused for a source of publishFrom that is no Observable', async () => {
    const error = await sseRefusal(() => running.sse.publishFrom('a', unchecked('paid'), unchecked(of(1))));
    expect(error).toMatchObject({ code: 'invalid-arguments' });
    expect(error.message).toContain('publishFrom takes (room, source$, event)');
  });

  it('is refused for options that publishFrom, or leave of an own client, does not have', async () => {
    const options = { volatile: true };
    const refused = await sseRefusal(() =>
      unchecked<(...args: unknown[]) => void>(running.sse.publishFrom.bind(running.sse))(
        'a',
        of(1),
        'x',
        options,
      ),
    );
    expect([refused.code, refused.message]).toEqual([
      'invalid-arguments',
      expect.stringContaining('no options'),
    ]);
    const { client } = await connectClient(running);
    const left = await sseRefusal(() => running.sse.leave(unchecked<'id'>(client), 'a', unchecked(options)));
    expect([left.code, left.message]).toEqual(['invalid-arguments', expect.stringContaining('"volatile"')]);
  });

  it('is logged for a value of publishFrom, with the rooms', async () => {
    running.logger.clear();
    running.sse.publishFrom(['a', 'b'], of({ amount: 1n }), 'paid');
    await eventually(() => running.logger.complaints.length > 0, 'a line in the log');
    expect(running.logger.complaints[0]?.text).toMatch(
      /failed: publishFrom \(a value of publishFrom\(\["a", "b"\]\).*event "paid"/,
    );
  });

  it('begins with the caller for one who awaits it too', async () => {
    const error = await sseRefusal(() => running.sse.broadcast('a', 'x', circular));
    expect(error.stack?.split('\n')[1]).toContain('sending.e2e-spec');
  });
});
