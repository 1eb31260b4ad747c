import { ForbiddenException } from '@nestjs/common';
import type { SseClient } from 'nestjs-simple-sse';
import { RoomAuthorizer } from '../../src/rooms/authorize/room-authorizer.js';
import { jest } from '@jest/globals';
import { express, platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually } from '../support/within.js';
import { SessionPage, sessionApp } from './session-app.js';

const FORBIDDEN = { name: 'SseError', code: 'room-forbidden' };

/** The answers of an application, which a test changes. */
class Permissions {
  readonly #refused = new Set<string>();
  readonly asked: string[] = [];
  /** Called before each answer. */
  before: () => unknown = () => {};

  refuse(user: string, room: string): void {
    this.#refused.add(`${user} ${room}`);
  }

  allow(user: string, room: string): void {
    this.#refused.delete(`${user} ${room}`);
  }

  readonly answer = async ({ user }: SseClient, room: string): Promise<boolean> => {
    this.asked.push(`${user} ${room}`);
    const isAllowed = !this.#refused.has(`${user} ${room}`);
    await this.before();
    return isAllowed;
  };
}

describe.each(platforms)('the option authorizeRoom, on $name', (platform) => {
  let running: RunningApp;
  let permissions: Permissions;

  beforeEach(async () => {
    permissions = new Permissions();
    running = await platform.start(
      sessionApp({
        authorizeRoom: permissions.answer,
        rooms: {
          'open/*': { authorizeRoom: () => true },
          'closed/*': {
            authorizeRoom: () => {
              throw new ForbiddenException();
            },
          },
        },
      }),
    );
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('is asked at each join of an open stream, and a refused one rejects with a code', async () => {
    const page = new SessionPage({ user: 'ann' });
    const client = await page.connect(running);
    permissions.refuse('ann', 'secret');
    await expect(client.join('secret')).rejects.toMatchObject(FORBIDDEN);
    await expect(running.sse.join({ user: 'ann' }, 'secret')).rejects.toMatchObject(FORBIDDEN);
    await expect(running.sse.join({ session: page.key }, 'secret')).rejects.toMatchObject(FORBIDDEN);
    await expect(running.sse.join(client.id, 'secret', { replay: 1 })).rejects.toMatchObject(FORBIDDEN);
    expect(await client.join('chat')).toBe(true);
    expect(permissions.asked).toEqual([...Array<string>(4).fill('ann secret'), 'ann chat']);
    expect([...client.rooms]).toEqual(['news', 'chat']);
    await page.cut(client);
    await page.connect(running);
    expect(page.ready.restored).toEqual(['chat']);
  });

  it('is not asked for the rooms of the request', async () => {
    await new SessionPage({ user: 'ann' }).connect(running);
    expect(permissions.asked).toEqual([]);
  });

  it('is replaced by that of the first pattern that matches, and an exception with a status of 403 refuses', async () => {
    const client = await new SessionPage({ user: 'ann' }).connect(running);
    const joined = client.join('open/1');
    expect(client.in('open/1')).toBe(true);
    expect(await joined).toBe(true);
    await expect(client.join('closed/1')).rejects.toMatchObject(FORBIDDEN);
    expect(permissions.asked).toEqual([]);
    expect(running.logger.complaints).toEqual([]);
  });

  it('is asked for each room of a session that comes back: a refused one is left out, and not given back later', async () => {
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    for (const room of ['a', 'b']) await first.join(room);
    await page.untilNow(running);
    await page.cut(first);
    permissions.refuse('ann', 'a');
    for (const room of ['a', 'b']) await running.sse.broadcast(room, `${room} while away`);
    const second = await page.connect(running);
    expect(page.ready.restored).toEqual(['b']);
    expect(await page.untilNow(running)).toEqual(['b while away']);
    expect([...second.rooms]).toEqual(['news', 'b']);
    await page.cut(second);
    permissions.allow('ann', 'a');
    await page.connect(running);
    expect(page.ready.restored).toEqual(['b']);
  });

  it('that fails ends a stream that comes back, which then loses nothing', async () => {
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    await first.join('a');
    await page.untilNow(running);
    await page.cut(first);
    await running.sse.broadcast('a', 'while away');
    permissions.before = () => {
      throw new Error('the database is down');
    };
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    await expect(page.connect(running)).rejects.toThrow();
    await eventually(() => reasons.includes('broker-unavailable'), 'the end of the stream');
    permissions.before = () => {};
    await page.connect(running);
    expect(await page.untilNow(running)).toEqual(['while away']);
  });

  it('is asked again by reauthorize for the streams of a user: they leave what is refused now', async () => {
    const [ann, bob] = [new SessionPage({ user: 'ann' }), new SessionPage({ user: 'bob' })];
    const clients = [await ann.connect(running), await bob.connect(running)] as const;
    for (const client of clients) for (const room of ['a', 'b']) await client.join(room);
    permissions.refuse('ann', 'a');
    permissions.refuse('bob', 'a');
    permissions.refuse('ann', 'news');
    expect(await running.sse.reauthorize({ user: 'ann' })).toBe(1);
    expect([...clients[0].rooms]).toEqual(['b']);
    expect([...clients[1].rooms]).toEqual(['news', 'a', 'b']);
    expect(await running.sse.reauthorize({ room: 'a' })).toBe(1);
    expect([...clients[1].rooms]).toEqual(['news', 'b']);
    expect(await running.sse.reauthorize({ user: 'nobody' })).toBe(0);
    await bob.cut(clients[1]);
    await bob.connect(running);
    expect(bob.ready.restored).toEqual(['b']);
  });

  it.each<[string, (app: RunningApp, client: SseClient) => Promise<unknown>]>([
    ['a join of its client', (_app, client) => client.join('new')],
    ['a join of its user', ({ sse }) => sse.join({ user: 'ann' }, 'new')],
    ['a join of its session', ({ sse }, { session }) => sse.join({ session: session?.key ?? '' }, 'new')],
  ])(
    'may await %s while a session comes back: the room is joined, and restored the next time',
    async (_n, join) => {
      const page = new SessionPage({ user: 'ann' });
      const first = await page.connect(running);
      await first.join('a');
      await page.cut(first);
      permissions.before = async () => {
        permissions.before = () => {};
        const [client] = running.sse.clients();
        if (client !== undefined) await join(running, client);
      };
      const second = await page.connect(running);
      expect([...second.rooms].toSorted()).toEqual(['a', 'new', 'news']);
      await page.cut(second);
      await page.connect(running);
      expect(page.ready.restored?.toSorted()).toEqual(['a', 'new']);
    },
  );

  it.each<[string, (app: RunningApp, client: SseClient) => unknown]>([
    ['a leave of its client', (_app, client) => client.leave('a')],
    ['a leave by the id of its client', ({ sse }, { id }) => sse.leave(id, 'a')],
    ['a leave of its session', ({ sse }, { session }) => sse.leave({ session: session?.key ?? '' }, 'a')],
    ['a leave of all rooms', ({ sse }, { id }) => sse.leave(id, '*')],
  ])('may await %s while a session comes back: the room is not restored, now or later', async (_n, leave) => {
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    await first.join('a');
    await page.cut(first);
    permissions.before = async () => {
      permissions.before = () => {};
      const [client] = running.sse.clients();
      if (client !== undefined) await leave(running, client);
    };
    const second = await page.connect(running);
    expect(page.ready.restored).toEqual([]);
    expect(second.in('a')).toBe(false);
    await page.cut(second);
    await page.connect(running);
    expect(page.ready.restored).toEqual([]);
  });

  it('may await a join of another room of the session: that room is restored from its first join on', async () => {
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    for (const room of ['a', 'b']) await first.join(room);
    await page.untilNow(running);
    await page.cut(first);
    await running.sse.broadcast('b', 'while away');
    permissions.before = async () => {
      permissions.before = () => {};
      const [client] = running.sse.clients();
      await client?.join('b');
    };
    await page.connect(running);
    expect(page.ready.restored).toEqual(['a', 'b']);
    expect(await page.untilNow(running)).toEqual(['while away']);
  });

  it('that fails during reauthorize rejects it, and keeps the rooms', async () => {
    const client = await new SessionPage({ user: 'ann' }).connect(running);
    await client.join('a');
    permissions.before = () => {
      throw new Error('the database is down');
    };
    await expect(running.sse.reauthorize({ user: 'ann' })).rejects.toMatchObject({
      code: 'broker-unavailable',
      message: expect.stringContaining('the database is down') as unknown,
    });
    expect(client.in('a')).toBe(true);
  });

  it.each<[string, (app: RunningApp, room: string) => Promise<unknown>]>([
    ['reauthorize', ({ sse }) => sse.reauthorize({ user: 'ann' })],
    ['reauthorize of a room', ({ sse }, room) => sse.reauthorize({ room })],
    ['a leave of the user', ({ sse }, room) => sse.leave({ user: 'ann' }, room)],
  ])('whose answer is older than %s is asked again, at a join and at the restore', async (_name, revoke) => {
    const revokeBeforeAnswer = (room: string): void => {
      permissions.before = () => {
        permissions.before = () => {};
        permissions.refuse('ann', room);
        return revoke(running, room);
      };
    };
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    revokeBeforeAnswer('a');
    await expect(first.join('a')).rejects.toMatchObject(FORBIDDEN);
    expect(first.in('a')).toBe(false);

    await first.join('b');
    await page.cut(first);
    revokeBeforeAnswer('b');
    const second = await page.connect(running);
    expect(page.ready.restored).toEqual([]);
    expect(second.in('b')).toBe(false);
  });
});

describe('an authorisation that is skipped at the restore', () => {
  it('is found', async () => {
    const permissions = new Permissions();
    const running = await express.start(sessionApp({ authorizeRoom: permissions.answer }));
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    await first.join('a');
    await page.cut(first);
    permissions.refuse('ann', 'a');
    jest.spyOn(RoomAuthorizer.prototype, 'allowed').mockImplementation(async (_client, rooms) => rooms);
    await page.connect(running);
    expect(page.ready.restored).toEqual(['a']);
    jest.restoreAllMocks();
    await running.close();
  });
});
