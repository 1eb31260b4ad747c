import * as fc from 'fast-check';
import type { EventStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import { chosenSeed } from '../support/seeds.js';
import type { RunningApp } from '../support/running-app.js';
import { change, openPage, PageController, pageApp } from './room-changes-app.js';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const NO_STREAM = { statusCode: 404, error: 'Not Found', message: 'There is no such stream.' };

/** Headers that a browser adds for a page of another site. */
const from = (origin: string) => ({
  headers: { cookie: 'session=1', origin, 'sec-fetch-site': 'cross-site' },
});

describe.each(platforms)('a route with @SseRoomChanges(), on $name,', (platform) => {
  let app: RunningApp;
  beforeEach(async () => {
    app = await platform.start(pageApp());
  });
  afterEach(async () => {
    await app.disconnectAll();
    await app.close();
  });

  const roomsOf = (id: string): string[] =>
    [...([...app.sse.clients()].find((client) => client.id === id)?.rooms ?? [])].toSorted();
  const open = (query = '?user=ann'): Promise<{ stream: EventStream; client: string }> =>
    openPage(app, query);

  it('joins and leaves what the application allows, and answers 200 with each room', async () => {
    const { stream, client } = await open();
    const joined = await change(app, 'rooms?user=ann', { client, join: ['open/1', 'open/2', 'open/1'] });
    expect(joined).toEqual({ status: 200, body: { joined: ['open/1', 'open/2'], left: [], refused: [] } });
    await app.sse.broadcast('open/2', 'said', 'hello');
    expect((await stream.nextEvent()).data).toBe('hello');
    const body = { client, join: ['open/3'], leave: ['open/1', 'never/joined', 'all'] };
    expect(await change(app, 'rooms?user=ann', body)).toEqual({
      status: 200,
      body: { joined: ['open/3'], left: ['open/1', 'never/joined', 'all'], refused: [] },
    });
    expect(roomsOf(client)).toEqual(['open/2', 'open/3']);
  });

  it('refuses a room alone, with the status of its decision, and tells nothing of other failures', async () => {
    const { client } = await open();
    const join = ['closed/1', 'open/1', 'unknown/1', 'payed/1', 'teapot/1', 'broken/1', 'vague/1', 'never/1'];
    expect(await change(app, 'rooms?user=ann', { client, join })).toEqual({
      status: 200,
      body: {
        joined: ['open/1'],
        left: [],
        refused: [
          { room: 'closed/1', status: 403, message: 'Forbidden' },
          { room: 'unknown/1', status: 404, message: 'There is no unknown/1' },
          { room: 'payed/1', status: 402, message: 'Pay first' },
          { room: 'teapot/1', status: 403, message: 'one; two' },
          { room: 'broken/1', status: 500, message: 'Internal server error' },
          { room: 'vague/1', status: 500, message: 'Internal server error' },
          { room: 'never/1', status: 503, message: 'It was not decided in time. Try again.' },
        ],
      },
    });
    expect(roomsOf(client)).toEqual(['all', 'open/1']);
    const logged = app.logger.complaints.map(({ text }) => text).join('\n');
    expect(logged).toContain('PageController.rooms(), broken/1');
    expect(logged).toContain('has returned "yes". Return true or false.');
  });

  it('sends the newest events of a joined room first, with the option replay', async () => {
    const { stream, client } = await open();
    for (const text of ['1', '2', '3']) await app.sse.broadcast('chat', 'said', text);
    expect((await change(app, 'newest?user=ann', { client, join: ['chat'] })).status).toBe(200);
    await app.sse.broadcast('chat', 'said', '4');
    expect((await stream.nextEvents(3)).map(({ data }) => data)).toEqual(['2', '3', '4']);
    const none = await change(app, 'newest?user=ann&allowed=no', { client, join: ['b'], leave: ['chat'] });
    expect(none.body).toEqual({
      joined: [],
      left: ['chat'],
      refused: [{ room: 'b', status: 403, message: 'Forbidden' }],
    });
  });

  it('counts a request that is sent again once: the stream stays in its rooms, and receives each event once', async () => {
    const { stream, client } = await open();
    const body = { client, join: ['open/1'] };
    const answers = await Promise.all(Array.from({ length: 20 }, () => change(app, 'rooms?user=ann', body)));
    for (const answer of answers) {
      expect(answer).toEqual({ status: 200, body: { joined: ['open/1'], left: [], refused: [] } });
    }
    await app.sse.broadcast('open/1', 'said', '1');
    await app.sse.broadcast('all', 'said', 'end');
    expect((await stream.nextEvents(2)).map(({ data }) => data)).toEqual(['1', 'end']);
  });

  it('keeps a room that a full client could not join from no other room', async () => {
    await app.close();
    app = await platform.start(pageApp({ limits: { maxRoomsPerClient: 2 } }));
    const { client } = await open();
    const { body } = await change(app, 'rooms?user=ann', { client, join: ['open/1', 'open/2'] });
    expect(body).toMatchObject({ joined: ['open/1'], refused: [{ room: 'open/2', status: 409 }] });
    const swapped = await change(app, 'rooms?user=ann', { client, join: ['open/2'], leave: ['open/1'] });
    expect(swapped.body).toEqual({ joined: ['open/2'], left: ['open/1'], refused: [] });
  });

  describe('for the stream of somebody else', () => {
    it.each([
      ['another user', '?user=ann', '?user=eve'],
      ['a request without a user', '?user=ann', ''],
      ['a user, of a stream without one', '', '?user=eve'],
      ['a request whose user is unknown because identify fails', '?user=ann', '?user=trouble'],
    ])(
      'answers 404 to %s, as for a stream that does not exist, and changes nothing',
      async (_name, owner, query) => {
        const { client } = await open(owner);
        const body = { join: ['open/1', 'closed/1'], leave: ['all'] };
        const foreign = await change(app, `rooms${query}`, { client, ...body });
        const unknown = await change(app, `rooms${query}`, { client: UNKNOWN, ...body });
        expect(foreign).toEqual({ status: 404, body: NO_STREAM });
        expect(unknown).toEqual(foreign);
        expect(roomsOf(client)).toEqual(['all']);
      },
    );

    it('answers 404 once the stream has ended', async () => {
      const { client } = await open();
      await app.disconnectAll();
      const answer = await change(app, 'rooms?user=ann', { client, join: ['open/1'] });
      expect(answer).toEqual({ status: 404, body: NO_STREAM });
    });

    it('changes the stream without a user for a request without a user', async () => {
      const { client } = await open('');
      expect((await change(app, 'rooms', { client, join: ['open/1'] })).status).toBe(200);
      expect(roomsOf(client)).toEqual(['all', 'open/1']);
    });
  });

  it('asks for nothing but the id, which only its page knows, where no stream has a user', async () => {
    await app.close();
    app = await platform.start(pageApp({ identify: undefined }));
    const { client } = await open('');
    expect((await change(app, 'rooms', { client, join: ['open/1'] })).status).toBe(200);
    expect((await change(app, 'rooms', { client: UNKNOWN, join: ['open/1'] })).status).toBe(404);
  });

  it('answers 401 to a user whose time is over', async () => {
    await app.close();
    let expiresAt = Date.now() + 60_000;
    app = await platform.start(pageApp({ identify: () => ({ user: 'ann', expiresAt }) }));
    const { client } = await open();
    expiresAt = Date.now() - 1;
    expect((await change(app, 'rooms', { client, join: ['open/1'] })).status).toBe(401);
  });

  it('answers with the status of a guard, of the handler, and 503 for a handler that hangs', async () => {
    const { client } = await open();
    const body = { client, join: ['open/1'], leave: ['all'] };
    const statusOf = async (path: string): Promise<number> => (await change(app, path, body)).status;
    expect(await statusOf('rooms?user=banned')).toBe(401);
    expect(await statusOf('throwing?user=ann&status=418')).toBe(418);
    expect(await statusOf('throwing?user=ann')).toBe(500);
    expect(await statusOf('hanging?user=ann')).toBe(503);
    expect(await statusOf('nothing?user=ann')).toBe(500);
    expect(app.logger.complaints.map(({ text }) => text).join('\n')).toContain(
      '@SseRoomChanges() returned undefined. Return true, false',
    );
    expect(roomsOf(client)).toEqual(['all']);
  });

  describe('answers 400 before the application is asked, and changes nothing,', () => {
    const many = Array.from({ length: 101 }, (_, index) => `open/${index}`);
    it.each<[string, (client: string) => unknown]>([
      ['without a client', () => ({ join: ['open/1'] })],
      ['for a client that is no id', () => ({ client: 'ann', join: ['open/1'] })],
      ['for a list of clients', (client) => ({ client: [client], join: ['open/1'] })],
      ['for another member', (client) => ({ client, join: ['open/1'], user: 'ann' })],
      ['for a member of another case', (client) => ({ client, Join: ['open/1'] })],
      ['without rooms', (client) => ({ client })],
      ['with empty lists', (client) => ({ client, join: [], leave: [] })],
      ['for a room in place of a list', (client) => ({ client, join: 'open/1' })],
      ['for an object in place of a list', (client) => ({ client, join: { 0: 'open/1', length: 1 } })],
      ['for 101 rooms', (client) => ({ client, join: many })],
      ['for 101 rooms in both lists', (client) => ({ client, join: many.slice(1), leave: ['all'] })],
      ['for the same room 101 times', (client) => ({ client, join: many.fill('open/1') })],
      ['for an empty name', (client) => ({ client, join: ['open/1', ''] })],
      ['for a name of 256 characters', (client) => ({ client, join: ['x'.repeat(256)] })],
      ['for a pattern', (client) => ({ client, join: ['open/*'] })],
      ['for everyone', (client) => ({ client, leave: ['*'] })],
      ['for a name of this package', (client) => ({ client, join: ['*sse:control'] })],
      ['for a control character', (client) => ({ client, join: ['a\u0000b'] })],
      ['for half a surrogate pair', (client) => ({ client, join: ['a\ud800'] })],
      ['for a part without a value', (client) => ({ client, join: ['open/undefined'] })],
      ['for a name that is no string', (client) => ({ client, join: [['open/1']] })],
      ['for null', (client) => ({ client, join: [null] })],
      ['for a room that is joined and left', (client) => ({ client, join: ['all'], leave: ['all'] })],
      ['for a list in place of the body', (client) => [{ client, join: ['open/1'] }]],
    ])('%s', async (_name, bodyOf) => {
      const { client } = await open();
      const { status, body } = await change(app, 'rooms?user=ann', bodyOf(client));
      expect([status, body]).toMatchObject([400, { statusCode: 400, message: expect.any(String) as string }]);
      expect(roomsOf(client)).toEqual(['all']);
      expect(app.get(PageController).asked).toEqual([]);
    });

    it.each<[string, string, string]>([
      ['a text that is not JSON', 'application/json', '{"client":'],
      ['null', 'application/json', 'null'],
      ['a number', 'application/json', '7'],
      ['nothing', 'application/json', ''],
      ['plain text', 'text/plain', 'CLIENT'],
      ['a form', 'application/x-www-form-urlencoded', 'client=CLIENT&join[]=open/1'],
      [
        'a prototype',
        'application/json',
        '{"client":"CLIENT","join":["open/1"],"__proto__":{"leave":["all"]}}',
      ],
      [
        'a constructor',
        'application/json',
        '{"client":"CLIENT","join":["open/1"],"constructor":{"prototype":{}}}',
      ],
    ])('for %s', async (_name, type, text) => {
      const { client } = await open();
      const options = { text: text.replace('CLIENT', client), headers: { 'content-type': type } };
      expect((await change(app, 'rooms?user=ann', undefined, options)).status).toBe(400);
      expect(roomsOf(client)).toEqual(['all']);
      expect(app.get(PageController).asked).toEqual([]);
    });

    it('for 10,000 rooms, or 413 where the platform refuses a body of that size', async () => {
      const { client } = await open();
      const join = Array.from({ length: 10_000 }, (_, index) => `open/${index}`);
      const { status } = await change(app, 'rooms?user=ann', { client, join });
      expect(status).toBe(platform.framework === 'fastify' ? 400 : 413);
      expect(roomsOf(client)).toEqual(['all']);
    });

    it('for any body that is no change, and never with 500', async () => {
      const { client } = await open();
      const rooms = fc.oneof(
        fc.jsonValue(),
        fc.array(fc.oneof(fc.string(), fc.jsonValue()), { maxLength: 5 }),
      );
      const bodies = fc.record(
        { client: fc.oneof(fc.constant(client), fc.jsonValue()), join: rooms, leave: rooms },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(fc.oneof(bodies, fc.jsonValue()), async (body) => {
          const { status } = await change(app, 'newest?user=ann', body);
          expect([200, 400]).toContain(status);
        }),
        { seed: chosenSeed(), numRuns: 100 },
      );
    });
  });

  it('joins rooms with the names of members of every object', async () => {
    const { client } = await open();
    const join = ['__proto__', 'constructor', 'toString'];
    const { body } = await change(app, 'newest?user=ann', { client, join });
    expect(body).toEqual({ joined: join, left: [], refused: [] });
    expect(roomsOf(client)).toEqual(['__proto__', 'all', 'constructor', 'toString']);
  });

  it('answers 403 to a page of another site with a cookie, and serves one that CORS allows', async () => {
    await app.close();
    app = await platform.start(pageApp({ allowedOrigins: ['https://good.example'] }));
    const { client } = await open();
    const body = { client, join: ['open/1'] };
    const forbidden = await change(app, 'rooms?user=ann', body, from('https://bad.example'));
    expect(forbidden.status).toBe(403);
    expect(JSON.stringify(forbidden.body)).toContain('may not change rooms');
    expect(roomsOf(client)).toEqual(['all']);
    expect((await change(app, 'rooms?user=ann', body, from('https://good.example'))).status).toBe(200);
  });
});
