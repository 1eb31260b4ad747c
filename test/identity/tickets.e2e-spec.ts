import { MemoryBroker, type CloseReason, type IssueOptions, type SseModuleOptions } from 'nestjs-simple-sse';
import { allPlatforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { eventually, pause, within } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { cookieOf, ticketApp } from './tickets-app.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const ORDERS = { user: 'ann', rooms: ['orders/7'] };

describe.each(allPlatforms)('tickets, on $name,', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(ticketApp(options));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  const issue = (options: IssueOptions = ORDERS): Promise<string> => running.sse.tickets.issue(options);

  function open(path: string, ticket: string, cookie?: string): Promise<EventStream> {
    return running.open(`${path}?ticket=${ticket}`, { headers: cookie === undefined ? {} : { cookie } });
  }

  async function statusOf(path: string, ticket: string, cookie?: string): Promise<number> {
    return (await open(path, ticket, cookie)).status;
  }

  it('open one stream, with the user and the rooms of the ticket', async () => {
    await start();
    const ticket = await issue({ ...ORDERS, info: { name: 'Ann' } });
    expect(ticket).toMatch(/^[\w-]{43}$/);
    const stream = await running.listen(`/orders/7?ticket=${ticket}`);
    expect(JSON.parse((await stream.nextEvent()).data)).toEqual({
      user: 'ann',
      rooms: ['orders/7'],
      info: { name: 'Ann' },
    });
    const [client] = [...running.sse.clients()];
    expect([client?.user, [...(client?.rooms ?? [])]]).toEqual(['ann', ['orders/7']]);
    expect(await running.sse.disconnect({ user: 'ann' })).toBe(1);
  });

  it('are answered with 401 when used again, also at once, and when unknown, malformed or given twice', async () => {
    await start({ tickets: {} });
    const ticket = await issue();
    const statuses = await Promise.all(Array.from({ length: 10 }, () => statusOf('/orders/7', ticket)));
    expect(statuses.filter((status) => status === 401)).toHaveLength(9);
    expect(statuses).toContain(200);
    const other = await issue();
    const guesses = [
      '',
      'guess',
      '__proto__',
      'A'.repeat(43),
      'A'.repeat(8_000),
      `${other}%0d%0aSet-Cookie:%20a=b`,
      `${other}&ticket=${other}`,
      other.toLowerCase() === other ? 'a' : other.toLowerCase(),
      `${other}=`,
    ];
    for (const guess of guesses) {
      const refused = await open('/orders/7', guess);
      expect([guess, refused.status, refused.headers['set-cookie']]).toEqual([guess, 401, undefined]);
    }
    expect(await statusOf('/orders/7', other)).toBe(200);
    expect(running.sse.count()).toBe(2);
  });

  it('without the option leave a text of another form to the application, but not on a route that needs a ticket', async () => {
    await start();
    for (const text of ['', '7', 'support-request-1']) {
      expect(await statusOf('/orders/7', text)).toBe(200);
      expect(await statusOf('/guarded', text)).toBe(401);
      expect(await statusOf('/granted', text)).toBe(401);
    }
    expect(await statusOf('/orders/7', 'A'.repeat(43))).toBe(401);
    const ticket = await issue();
    expect((await open('/orders/7', `${ticket}&ticket=7`)).status).toBe(401);
  });

  it('are answered with 401 after their time', async () => {
    await start();
    const ticket = await issue({ ...ORDERS, ttlMs: 30 });
    await pause(60);
    expect(await statusOf('/orders/7', ticket)).toBe(401);
    expect(running.sse.count()).toBe(0);
  });

  it('are answered with 403 for a room that they do not name, and are used by it', async () => {
    await start();
    const ticket = await issue();
    expect(await statusOf('/orders/8', ticket)).toBe(403);
    expect(await statusOf('/orders/7', ticket)).toBe(401);
    expect(await statusOf('/orders/7', await issue({ user: 'ann', rooms: [] }))).toBe(403);
    expect(await statusOf('/orders/7', await issue({ user: 'ann' }))).toBe(200);
    expect(await statusOf('/raw', await issue({ user: 'ann', rooms: ['orders/8'] }))).toBe(403);
    expect(await statusOf('/raw', await issue())).toBe(200);
  });

  it('supply the rooms of an endpoint with `ticketRooms`, which needs one', async () => {
    await start();
    const stream = await running.listen(`/granted?ticket=${await issue({ user: 'ann', rooms: ['a', 'b'] })}`);
    await running.sse.broadcast('b', 'n', 'for b');
    expect((await stream.nextEvent()).data).toBe('for b');
    expect((await running.open('/granted')).status).toBe(401);
    const [client] = [...running.sse.clients()];
    expect([...(client?.rooms ?? [])]).toEqual(['a', 'b']);
  });

  it('are redeemed by SseTicketGuard, so that the guards after it know the user', async () => {
    await start();
    expect(await statusOf('/guarded', await issue({ user: 'ann', rooms: ['news'] }))).toBe(200);
    expect(await statusOf('/guarded', await issue({ user: 'bob', rooms: ['news'] }))).toBe(403);
    expect((await running.open('/guarded')).status).toBe(401);
    expect(await statusOf('/guarded', 'guess')).toBe(401);
    expect([...running.sse.clients()].map(({ user }) => user)).toEqual(['ann']);
  });

  it('set a cookie for the path of the stream, with which their client reconnects and no other', async () => {
    await start();
    const ticket = await issue();
    const first = await open('/orders/7', ticket);
    const [header = '', ...more] = [first.headers['set-cookie'] ?? []].flat();
    expect(more).toEqual([]);
    expect(header).toMatch(
      /^sse-ticket-[\w-]{12}=[\w-]{43}; Max-Age=3600; Path=\/orders\/7; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(header).not.toContain(ticket);
    const cookie = cookieOf(first.headers);
    const again = await open('/orders/7', ticket, `theme=dark; ${cookie}; other="x`);
    expect([again.status, again.headers['set-cookie']]).toEqual([200, undefined]);
    expect(await statusOf('/orders/7', ticket, cookie)).toBe(200);
    expect([...running.sse.clients()].map(({ user }) => user)).toEqual(['ann', 'ann', 'ann']);

    expect(await statusOf('/orders/7', ticket)).toBe(401);
    expect(await statusOf('/orders/8', ticket, cookie)).toBe(401);
    expect(await statusOf('/granted', ticket, cookie)).toBe(401);
    const stolen = cookieOf((await open('/orders/7', await issue({ ...ORDERS, user: 'bob' }))).headers);
    expect(await statusOf('/orders/7', ticket, stolen)).toBe(401);
    const [name] = cookie.split('=');
    expect(await statusOf('/orders/7', ticket, `${name}=${stolen.split('=')[1]}`)).toBe(401);
    expect(await statusOf('/orders/7', ticket, `${name}=${ticket}`)).toBe(401);
    expect(await statusOf('/orders/7', ticket, `${name}=${'A'.repeat(43)}`)).toBe(401);
    const [, secret = ''] = cookie.split('=');
    expect(await statusOf('/orders/7', secret, cookie)).toBe(401);
    expect(await statusOf('/orders/7', secret)).toBe(401);
    expect(await statusOf('/orders/7', ticket, cookie)).toBe(200);
  });

  it('leave at most 16 cookies for a path', async () => {
    await start();
    const jar = new Map<string, string>();
    for (let n = 0; n < 20; n++) {
      const sent = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const stream = await open('/orders/7', await issue(), sent);
      for (const cookie of [stream.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*);/.exec(cookie) ?? [];
        if (cookie.includes('Max-Age=0;')) jar.delete(name);
        else jar.set(name, value);
      }
    }
    expect(jar.size).toBe(16);
  });

  it('set their cookie also where the stream fails or is refused by a limit, and its client comes back', async () => {
    await start({ limits: { maxStreamsPerUser: 1 } });
    await running.listen(`/orders/7?ticket=${await issue()}`);
    const ticket = await issue();
    const refused = await running.open(`/orders/7?ticket=${ticket}`, {
      headers: { accept: 'text/event-stream' },
    });
    await within(refused.ended, 'the end of the refused stream');
    expect([refused.status, refused.events]).toEqual([200, []]);
    await running.sse.disconnect({ user: 'ann' });
    await eventually(() => running.sse.count() === 0, 'no stream');
    expect(await statusOf('/orders/7', ticket, cookieOf(refused.headers))).toBe(200);
  });

  it('ask `authorize` at each use: for the ticket and for each reconnect', async () => {
    let answer: unknown = true;
    const asked: unknown[] = [];
    const authorize = (ticket: { user: string }, request: { headers: object }): boolean => {
      asked.push([ticket.user, typeof request.headers]);
      if (answer instanceof Error) throw answer;
      return answer as boolean;
    };
    await start({ tickets: { authorize } });
    const ticket = await issue();
    const first = await open('/orders/7', ticket);
    const cookie = cookieOf(first.headers);
    expect(await statusOf('/orders/7', ticket, cookie)).toBe(200);
    for (const denied of [false, undefined, 1, Promise.resolve(false)]) {
      answer = denied;
      expect(await statusOf('/orders/7', ticket, cookie)).toBe(403);
    }
    answer = new Error('no database');
    expect(await statusOf('/orders/7', ticket, cookie)).toBe(500);
    answer = false;
    const other = await issue();
    const refused = await open('/orders/7', other);
    expect([refused.status, refused.headers['set-cookie']]).toEqual([403, undefined]);
    answer = Promise.resolve(true);
    expect(await statusOf('/orders/7', other)).toBe(401);
    expect(await statusOf('/orders/7', ticket, cookie)).toBe(200);
    expect(asked).toEqual(Array.from({ length: asked.length }, () => ['ann', 'object']));
  });

  it('end the stream before `expiresAt`, after which no reconnect is accepted', async () => {
    await start();
    const reasons: CloseReason[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const ticket = await issue({ ...ORDERS, expiresAt: Date.now() + 1_500 });
    const stream = await open('/orders/7', ticket);
    expect(await within(stream.ended, 'the end of the stream')).toBe('whole');
    expect(reasons).toEqual(['expired']);
    expect(stream.headers['set-cookie']).toEqual([expect.stringMatching(/; Max-Age=1; /)]);
    await pause(600);
    expect(await statusOf('/orders/7', ticket, cookieOf(stream.headers))).toBe(401);
  });

  it('take the parameter, the cookie and its time from the option', async () => {
    await start({
      tickets: { parameter: 'k', continueForMs: 60_000, sameSite: 'none', cookiePath: '/api/orders' },
    });
    const ticket = await issue();
    expect((await running.open(`/orders/7?ticket=${ticket}`)).headers['set-cookie']).toBeUndefined();
    const stream = await running.listen(`/orders/7?k=${ticket}`);
    expect(stream.headers['set-cookie']).toEqual([
      expect.stringMatching(/; Max-Age=60; Path=\/api\/orders; HttpOnly; Secure; SameSite=None$/),
    ]);
  });

  it('set no cookie with continueForMs: false, and are nothing with tickets: false', async () => {
    await start({ tickets: { continueForMs: false } });
    expect((await open('/orders/7', await issue())).headers['set-cookie']).toBeUndefined();
    await running.disconnectAll();
    await running.close();
    await start({ tickets: false });
    expect((await sseRefusal(issue)).code).toBe('invalid-arguments');
    expect(await statusOf('/orders/7', 'guess')).toBe(200);
    expect(await statusOf('/guarded', 'guess')).toBe(401);
  });

  it('give the members of rooms with presence their user, with the option and without `identify`', async () => {
    await start({ tickets: {}, rooms: { 'orders/*': { presence: true } } });
    await running.listen(`/orders/7?ticket=${await issue({ ...ORDERS, info: 'Ann' })}`);
    await eventually(async () => (await running.sse.presenceCount('orders/7')).users === 1, 'the member');
    expect(await running.sse.presence('orders/7')).toMatchObject([{ user: 'ann', info: 'Ann' }]);
  });

  it('have precedence over `identify`', async () => {
    await start({ identify: () => ({ user: 'by identify' }) });
    await running.listen(`/orders/7?ticket=${await issue()}`);
    await running.listen('/orders/7');
    expect([...running.sse.clients()].map(({ user }) => user)).toEqual(['ann', 'by identify']);
  });

  it('are left as they are by HEAD', async () => {
    await start();
    const ticket = await issue();
    const head = await running.open(`/orders/7?ticket=${ticket}`, { method: 'HEAD' });
    expect([head.status, head.headers['set-cookie']]).toEqual([200, undefined]);
    expect(await statusOf('/orders/7', ticket)).toBe(200);
  });

  it('in a failing request are used, and are not shown in logs and answers', async () => {
    await start();
    const ticket = await issue();
    const failed = await open('/failing', ticket);
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain(ticket);
    expect(JSON.stringify(running.logger.lines)).not.toContain(ticket);
    expect(await statusOf('/failing', ticket)).toBe(401);
  });

  it('that cannot be checked, since the broker does not answer, let an EventSource come back', async () => {
    const broker = new MemoryBroker();
    let isDown = false;
    const { tickets } = broker;
    const take = tickets.take.bind(tickets);
    tickets.take = async (key) => {
      if (isDown)
        throw unchecked<Error>(
          await sseRefusal(() => new MemoryBroker().publish(['a'], { data: '', serialized: false }, {})),
        );
      return take(key);
    };
    await start({ broker });
    for (const [path, room] of [
      ['/orders/7', 'orders/7'],
      ['/guarded', 'news'],
    ] as const) {
      const ticket = await issue({ user: 'ann', rooms: [room] });
      isDown = true;
      const later = await running.open(`${path}?ticket=${ticket}`, {
        headers: { accept: 'text/event-stream' },
      });
      await within(later.ended, 'the end of the answer');
      expect([later.status, later.retries.length]).toEqual([200, 1]);
      const denied = await running.open(`${path}?ticket=${ticket}`, {
        headers: { accept: 'application/json' },
      });
      expect([denied.status, denied.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
      isDown = false;
      expect(await statusOf(path, ticket)).toBe(200);
    }
  });
});

describe('sse.tickets.issue', () => {
  const [platform] = allPlatforms;
  let running: RunningApp;
  beforeAll(async () => {
    running = await platform!.start(ticketApp());
  });
  afterAll(() => running.close());

  it.each<[string, unknown]>([
    ['invalid-arguments', undefined],
    ['invalid-arguments', 'ann'],
    ['invalid-arguments', { user: 'ann', room: 'a' }],
    ['invalid-arguments', { user: 'ann', __proto__: null, constructor: 1 }],
    ['invalid-arguments', { user: 'ann', ttlMs: 0 }],
    ['invalid-arguments', { user: 'ann', ttlMs: 60_001 }],
    ['invalid-arguments', { user: 'ann', ttlMs: 0.5 }],
    ['invalid-arguments', { user: 'ann', expiresAt: Date.now() - 1 }],
    ['invalid-user', {}],
    ['invalid-user', { user: '' }],
    ['invalid-user', { user: 'x'.repeat(256) }],
    ['invalid-user', { user: 'ann', expiresAt: 1_800_000_000 }],
    ['invalid-user', { user: 'ann', info: 'x'.repeat(5_000) }],
    ['invalid-room', { user: 'ann', rooms: '*' }],
    ['invalid-room', { user: 'ann', rooms: ['user/undefined'] }],
    ['invalid-room', { user: 'ann', rooms: [''] }],
  ])('rejects with %s for %j', async (code, options) => {
    const error = await sseRefusal(() => running.sse.tickets.issue(options as IssueOptions));
    expect(error.code).toBe(code);
  });

  it('returns another ticket each time, for any user and rooms', async () => {
    const tickets = await Promise.all(
      ['__proto__', 'constructor', 7].map((user) =>
        running.sse.tickets.issue({ user, rooms: ['__proto__', 7] }),
      ),
    );
    expect(new Set(tickets).size).toBe(3);
    const stream = await running.listen(`/granted?ticket=${tickets[0]}`);
    const [client] = [...running.sse.clients()];
    expect([client?.user, ...(client?.rooms ?? [])]).toEqual(['__proto__', '__proto__', '7']);
    stream.close();
  });
});

describe('a broker that stores no tickets', () => {
  const [platform] = allPlatforms;

  it('is refused at start-up where the option `tickets` is set', async () => {
    const error = await sseRefusal(() =>
      platform!.start(ticketApp({ broker: new WrappedMemoryBroker(), tickets: {} })),
    );
    expect([error.code, error.message]).toEqual([
      'unsupported-by-broker',
      expect.stringContaining('"tickets"'),
    ]);
  });

  it('lets issue reject, and a ticket be answered with 401', async () => {
    const running = await platform!.start(ticketApp({ broker: new WrappedMemoryBroker() }));
    try {
      const error = await sseRefusal(() => running.sse.tickets.issue({ user: 'ann' }));
      expect(error.code).toBe('unsupported-by-broker');
      expect((await running.open(`/orders/7?ticket=${'A'.repeat(43)}`)).status).toBe(401);
    } finally {
      await running.close();
    }
  });
});
