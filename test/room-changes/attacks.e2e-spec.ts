import { gzipSync } from 'node:zlib';
import { SessionPage } from '../sessions/session-app.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually } from '../support/within.js';
import { change, PageController, pageApp } from './room-changes-app.js';

const KEY = 'key-of-the-page-of-ann';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const rooms = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe.each(platforms)('attacks of a route with @SseRoomChanges(), on $name,', (platform) => {
  let app: RunningApp;
  let page: SessionPage;
  let client: string;
  /** Users of rooms, by room; all other rooms are for everybody. */
  let members: Map<string, string[]>;

  const start = async (options: Parameters<typeof pageApp>[0] = {}): Promise<void> => {
    members = new Map();
    app = await platform.start(
      pageApp({
        sessions: { maxRooms: 3 },
        authorizeRoom: ({ user = '' }, room) => members.get(room)?.includes(user) ?? true,
        ...options,
      }),
    );
    page = new SessionPage({ key: KEY, user: 'ann', path: '/events' });
    client = (await page.connect(app)).id;
  };
  const end = async (): Promise<void> => {
    await app.disconnectAll();
    await app.close();
  };
  const startForEach = (): void => {
    beforeEach(() => start());
    afterEach(end);
  };
  /** For attacks after which everything is as before. */
  const startOnce = (): void => {
    beforeAll(() => start());
    afterAll(end);
  };

  const roomsOf = (id: string): string[] =>
    Array.from(app.sse.clients()).flatMap((each) => (each.id === id ? [...each.rooms].toSorted() : []));
  const post = (query: string, body: unknown) => change(app, `rooms${query}`, body);

  /** Joins and leaves rooms one after the other. @returns the statuses */
  const lane = async (first: number): Promise<number[]> => {
    const statuses: number[] = [];
    for (let n = first; n < first + 12; n++) {
      const list = n % 2 === 0 ? 'join' : 'leave';
      const body = { session: KEY, [list]: [`open/${n % 3}`] };
      statuses.push((await post('?user=ann', body)).status);
    }
    return statuses;
  };

  /** Ends the stream of the page and opens it again. @returns the rooms that its session had */
  const comeBack = async (): Promise<string[]> => {
    const stream = Array.from(app.sse.clients()).find(({ id }) => id === client);
    if (stream !== undefined) await page.cut(stream);
    client = (await page.connect(app)).id;
    return (page.ready.restored ?? []).toSorted();
  };

  const isUnchanged = async (joined: string[] = ['open/own']): Promise<void> => {
    expect(roomsOf(client)).toEqual(['all', ...joined]);
    expect(await comeBack()).toEqual(joined);
  };

  describe('by somebody else', () => {
    startForEach();
    beforeEach(async () => {
      expect((await post('?user=ann', { session: KEY, join: ['open/own'] })).status).toBe(200);
    });

    it.each<[string, string, () => object, number]>([
      ['another user with the key', '?user=eve', () => ({ session: KEY }), 404],
      ['another user with the id', '?user=eve', () => ({ client }), 404],
      ['another user with both', '?user=eve', () => ({ client, session: KEY }), 400],
      ['a request without a user, with the key', '', () => ({ session: KEY }), 404],
      ['a request without a user, with the id', '', () => ({ client }), 404],
      ['an empty user', '?user=', () => ({ session: KEY }), 404],
      ['two users', '?user=eve&user=ann', () => ({ session: KEY }), 404],
      ['a user of another case', '?user=ANN', () => ({ session: KEY }), 404],
      ['a user with a line break', '?user=ann%0Aeve', () => ({ session: KEY }), 404],
      ['a user who is a member of every object', '?user=__proto__', () => ({ session: KEY }), 404],
      ['a user who is banned', '?user=banned', () => ({ session: KEY }), 401],
      ['a user in the body', '?user=eve', () => ({ session: KEY, user: 'ann' }), 400],
      ['the user with a key of another case', '?user=ann', () => ({ session: KEY.toUpperCase() }), 404],
      ['the user with the id of another stream', '?user=ann', () => ({ client: UNKNOWN }), 404],
      ['the user with the key as an id', '?user=ann', () => ({ client: KEY }), 400],
      ['the user with the id as a key', '?user=ann', () => ({ session: client }), 404],
    ])('%s, change neither the stream nor the session', async (_name, query, target, status) => {
      const body = { ...target(), join: ['open/foreign'], leave: ['open/own', 'all'] };
      expect((await post(query, body)).status).toBe(status);
      await isUnchanged();
    });

    it('with the same key have a session of their own', async () => {
      const eves = new SessionPage({ key: KEY, user: 'eve', path: '/events' });
      const eve = await eves.connect(app);
      expect(eves.ready.restored).toEqual([]);
      expect(
        (await post('?user=eve', { session: KEY, join: ['open/eve'], leave: ['open/own'] })).status,
      ).toBe(200);
      expect(roomsOf(eve.id)).toEqual(['all', 'open/eve']);
      await isUnchanged();
    });

    it('find no stream of a user who has logged out, nor the session that it has left', async () => {
      await app.sse.disconnect({ user: 'ann' });
      await eventually(() => app.sse.count() === 0, 'the end of the stream');
      const body = { join: ['open/foreign'], leave: ['open/own'] };
      expect((await post('', { session: KEY, ...body })).status).toBe(404);
      expect((await post('', { client, ...body })).status).toBe(404);
      expect((await post('?user=eve', { session: KEY, ...body })).status).toBe(404);
      expect(await comeBack()).toEqual(['open/own']);
    });
  });

  describe('with rooms that were taken away', () => {
    startForEach();
    const body = { session: KEY, join: ['open/team'] };
    beforeEach(async () => {
      members.set('open/team', ['ann']);
      expect((await post('?user=ann', body)).body).toMatchObject({ joined: ['open/team'] });
      members.set('open/team', []);
      await app.sse.leave({ user: 'ann' }, 'open/team');
    });

    it('by the same request again, at once and many times, join nothing', async () => {
      const answers = await Promise.all(rooms(20).map(() => post('?user=ann', body)));
      for (const answer of answers) {
        expect(answer.body).toMatchObject({ joined: [], refused: [{ room: 'open/team', status: 403 }] });
      }
      await isUnchanged([]);
    });

    it('by the same request while no stream is open join nothing when it comes back', async () => {
      await app.sse.disconnect({ user: 'ann' });
      await eventually(() => app.sse.count() === 0, 'the end of the stream');
      await post('?user=ann', body);
      expect(await comeBack()).toEqual([]);
      await isUnchanged([]);
    });
  });

  describe('with many requests at once', () => {
    startForEach();

    it('never join more rooms than a session may have, in the stream and in the session', async () => {
      const answers = await Promise.all(
        rooms(40).map((room) => post('?user=ann', { session: KEY, join: [`open/${room}`] })),
      );
      expect(answers.map(({ status }) => status)).toEqual(rooms(40).map(() => 200));
      const joined = answers.flatMap(({ body }) => (body as { joined: string[] }).joined).toSorted();
      expect(joined).toHaveLength(3);
      await isUnchanged(joined);
    });

    it('leave stream and session in the same rooms, whichever of joins and leaves come last', async () => {
      const bodies = rooms(60).map((index) => ({
        ...(Number(index) % 3 === 0 ? { client } : { session: KEY }),
        [Number(index) % 2 === 0 ? 'join' : 'leave']: [`open/${Number(index) % 5 > 2 ? 1 : 2}`],
      }));
      const answers = await Promise.all(bodies.map((each) => post('?user=ann', each)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const [, ...left] = roomsOf(client);
      await isUnchanged(left);
    });
  });

  describe('with two tabs that have one session', () => {
    startForEach();

    it('leave the newest tab and the session in the same rooms, while one takes it from the other', async () => {
      const take = async (): Promise<void> => {
        for (let n = 0; n < 6; n++) {
          page = new SessionPage({ key: KEY, user: 'ann', path: '/events' });
          client = (await page.connect(app)).id;
        }
      };
      const [statuses] = await Promise.all([Promise.all([0, 1, 2, 3].map(lane)), take()]);
      expect(new Set(statuses.flat())).toEqual(new Set([200]));
      await eventually(() => app.sse.count() === 1, 'the end of the older tabs');
      const [, ...left] = roomsOf(client);
      await isUnchanged(left);
    });

    it('change the rooms of the newest only', async () => {
      const older = client;
      const newer = new SessionPage({ key: KEY, user: 'ann', path: '/events' });
      [page, client] = [newer, (await newer.connect(app)).id];
      await eventually(() => app.sse.count() === 1, 'the end of the older tab');
      expect((await post('?user=ann', { client: older, join: ['open/1'] })).status).toBe(404);
      expect((await post('?user=ann', { session: KEY, join: ['open/2'] })).body).toMatchObject({
        joined: ['open/2'],
      });
      await isUnchanged(['open/2']);
    });
  });

  describe('with bodies that are no change are answered with 400, and change nothing:', () => {
    startOnce();

    const controls = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code));
    it.each<[string, unknown]>([
      ['a key of 15 characters', { session: 'x'.repeat(15) }],
      ['a key of 129 characters', { session: 'x'.repeat(129) }],
      ['a key with a line break', { session: `${KEY}\n` }],
      ['a key with a space', { session: `${KEY} ` }],
      ['a key with a colon', { session: `${KEY}:1` }],
      ['a key of letters of other scripts', { session: 'ключ-страницы-анны' }],
      ['a list as key', { session: [KEY] }],
      ['an object as key', { session: { toString: KEY } }],
      ['a number as key', { session: 1_234_567_890_123_456 }],
      ['null as key', { session: null }],
      ['an empty key', { session: '' }],
      ['a huge key', { session: 'x'.repeat(50_000) }],
      ['a huge id', { client: '0'.repeat(50_000) }],
      ['a pattern as id', { client: '*' }],
      ['a huge name', { join: ['x'.repeat(60_000)] }],
      ['a huge name to leave', { leave: ['x'.repeat(60_000)] }],
      ['the room of all clients', { leave: ['*'] }],
      ['every pattern', { leave: ['open/*'] }],
      ['a list of lists', { join: [[['open/1']]] }],
      ['a list of objects', { join: [{ room: 'open/1' }] }],
      ['a list of true', { join: [true] }],
      ['a number that is none', { join: [Number.MAX_VALUE * 10] }],
      ['a room in both lists', { join: ['open/1', 'open/2'], leave: ['open/2'] }],
      ['10,000 rooms', { join: rooms(10_000) }],
      ['10,000 rooms to leave', { leave: rooms(10_000) }],
      ['10,000 times one room', { join: rooms(10_000).map(() => 'a') }],
      ['the members of an answer', { joined: ['open/1'], left: [], refused: [] }],
    ])('%s', async (_name, attack) => {
      const target = Object.keys(attack as object).some((each) => each === 'session' || each === 'client');
      const body = target
        ? { ...(attack as object), join: ['open/1'] }
        : { session: KEY, ...(attack as object) };
      expect((await post('?user=ann', body)).status).toBe(400);
      await isUnchanged([]);
      expect(app.get(PageController).asked).toEqual([]);
    });

    it('a name with any control character, to join and to leave', async () => {
      for (const control of [...controls, '\u007f', '\u0085', '\u2028', '\ud800']) {
        for (const list of ['join', 'leave']) {
          const { status } = await post('?user=ann', { session: KEY, [list]: [`open/1${control}`] });
          expect([control, status]).toEqual([control, 400]);
        }
      }
      await isUnchanged([]);
    });

    it.each<[string, string]>([
      ['lists of 10,000 levels', `{"session":"${KEY}","join":${nested(10_000)}}`],
      ['a body of 10,000 levels', nested(10_000)],
      [
        'objects of 5,000 levels',
        `{"session":"${KEY}","join":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
      ],
      ['a number in place of a room that no double holds', `{"session":"${KEY}","join":[1e999]}`],
      ['another prototype', `{"session":"${KEY}","__proto__":{"leave":["all"]}}`],
      ['another prototype of a list', `{"session":"${KEY}","join":{"__proto__":["open/1"],"length":1}}`],
      ['a text that ends early', `{"session":"${KEY}","join":["open/1"`],
      ['two values', `{"session":"${KEY}","join":["open/1"]}{}`],
      ['a comment', `/**/{"session":"${KEY}","join":["open/1"]}`],
      ['no character', ''],
      ['a null character', '\u0000'],
    ])('%s', async (_name, text) => {
      expect((await change(app, 'rooms?user=ann', undefined, { text })).status).toBe(400);
      await isUnchanged([]);
      expect(app.get(PageController).asked).toEqual([]);
    });
  });

  describe('with a body that is no JSON as declared, or too large, change nothing:', () => {
    startOnce();

    const text = `{"session":"${KEY}","join":["open/1"]}`;
    const json = 'application/json';
    it.each<[string, Record<string, string>, string | Buffer]>([
      ['text', { 'content-type': 'text/plain' }, text],
      ['text that names JSON', { 'content-type': 'text/plain; a=application/json' }, text],
      ['JSON of another kind', { 'content-type': 'application/vnd.api+json' }, text],
      ['several types', { 'content-type': 'text/plain, application/json' }, text],
      ['no type', { 'content-type': '' }, text],
      ['a form', { 'content-type': 'multipart/form-data; boundary=x' }, `--x\r\n\r\n${text}\r\n--x--`],
      [
        'a charset that does not exist',
        { 'content-type': `${json}; charset=x-${KEY}` },
        Buffer.from(text, 'utf16le'),
      ],
      [
        'bytes that are no UTF-8',
        { 'content-type': json },
        Buffer.from(text.replace('open', '\u00ff'), 'utf16le'),
      ],
      ['an encoding that does not exist', { 'content-type': json, 'content-encoding': 'x' }, gzipSync(text)],
      [
        '10 MB in 10 KB of gzip',
        { 'content-type': json, 'content-encoding': 'gzip' },
        gzipSync(' '.repeat(1e7) + text),
      ],
      ['2 MB', { 'content-type': json }, `${' '.repeat(2e6)}${text}`],
    ])('%s', async (_name, headers, body) => {
      const { status } = await change(app, 'rooms?user=ann', undefined, { text: body, headers });
      expect([400, 413, 415]).toContain(status);
      await isUnchanged([]);
      expect(app.get(PageController).asked).toEqual([]);
    });
  });

  describe('with names that mean something else', () => {
    startForEach();

    it('with rooms that are members of every object join and restore those rooms alone', async () => {
      const join = ['__proto__', 'constructor', 'hasOwnProperty'];
      const { body } = await change(app, 'newest?user=ann', { session: KEY, join });
      expect(body).toEqual({ joined: join, left: [], refused: [] });
      expect(await comeBack()).toEqual(join.toSorted());
      expect(Object.keys(Object.prototype)).toEqual([]);
    });

    it('with a member twice count the last one, as JSON does, and never both', async () => {
      const text = `{"session":"another-key-of-nobody","session":"${KEY}","join":["open/1"],"join":["open/2"]}`;
      const { status, body } = await change(app, 'rooms?user=ann', undefined, { text });
      expect([status, body]).toEqual([200, { joined: ['open/2'], left: [], refused: [] }]);
      expect(app.get(PageController).asked).toEqual(['open/2']);
      await isUnchanged(['open/2']);
    });

    it('without a user and without a guard find only streams whose key or id they know', async () => {
      await app.close();
      await start({ identify: undefined });
      expect((await post('', { session: `${KEY}-`, join: ['open/1'] })).status).toBe(404);
      expect((await post('', { client: UNKNOWN, join: ['open/1'] })).status).toBe(404);
      expect((await post('', { session: KEY, join: ['open/own'] })).status).toBe(200);
      await isUnchanged();
    });
  });
});
