import fc from 'fast-check';
import { MemoryBroker } from 'nestjs-simple-sse';
import { allPlatforms, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { cookieOf, ticketApp } from './tickets-app.js';
import type { IssueOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const ORDERS = { user: 'ann', rooms: ['orders/7'] };

describe.each(allPlatforms)('an attack on tickets, on $name,', (platform) => {
  let running: RunningApp;
  const issue = (options: IssueOptions = ORDERS): Promise<string> => running.sse.tickets.issue(options);
  async function statusOf(path: string, headers: Record<string, string> = {}): Promise<number> {
    return (await running.open(path, { headers })).status;
  }

  beforeEach(async () => {
    running = await platform.start(ticketApp({ tickets: {} }));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('by a cookie that was planted before does not open the stream of a ticket, and does not outlive it', async () => {
    // The attacker opens a stream of their own, and plants its cookie in the browser of the victim.
    const own = await issue({ user: 'mallory', rooms: ['orders/7'] });
    const planted = cookieOf((await running.listen(`/orders/7?ticket=${own}`)).headers);
    const ticket = await issue();
    const stream = await running.listen(`/orders/7?ticket=${ticket}`, { headers: { cookie: planted } });
    expect(JSON.parse((await stream.nextEvent()).data)).toMatchObject({ user: 'ann' });
    const cookie = cookieOf(stream.headers);
    expect(cookie).not.toBe(planted);
    expect(await statusOf(`/orders/7?ticket=${ticket}`, { cookie: planted })).toBe(401);
    expect(await statusOf(`/orders/7?ticket=${own}`, { cookie })).toBe(401);
    // Both cookies of one browser: each ticket finds its own.
    const both = { cookie: `${planted}; ${cookie}` };
    const again = await running.listen(`/orders/7?ticket=${ticket}`, { headers: both });
    expect(JSON.parse((await again.nextEvent()).data)).toMatchObject({ user: 'ann' });
  });

  it('by the cookie on another path, or alone, is answered with 401 or has no user', async () => {
    const ticket = await issue({ user: 'ann', rooms: ['orders/7', 'orders/8'] });
    const cookie = cookieOf((await running.listen(`/orders/7?ticket=${ticket}`)).headers);
    for (const path of ['/orders/8', '/orders/7/', '/ORDERS/7', '/orders/%37', '//orders/7', '/granted'])
      expect([path, await statusOf(`${path}?ticket=${ticket}`, { cookie })]).not.toEqual([path, 200]);
    expect(await statusOf('/guarded', { cookie })).toBe(401);
    const alone = await running.listen('/orders/7', { headers: { cookie } });
    expect((await alone.nextEvent()).data).toBe('null');
  });

  it('by a parameter that is repeated, encoded or named otherwise gets no stream of the ticket', async () => {
    const ticket = await issue();
    for (const query of [
      `ticket=${ticket}&ticket=${ticket}`,
      `ticket=x&ticket=${ticket}`,
      `ticket=&ticket=${ticket}`,
      `ticket=${ticket}&%74icket=x`,
      `ticket=%00${ticket}`,
      `ticket=${ticket}%20`,
      `ticket=${ticket}%ff`,
      `ticket=${'%41'.repeat(43)}`,
      `ticket=${ticket.slice(0, 42)}`,
      `ticket=${ticket}A`,
    ])
      expect([query, await statusOf(`/orders/7?${query}`)]).toEqual([query, 401]);
    for (const query of [
      `Ticket=${ticket}`,
      `ticket%5B%5D=${ticket}`,
      `tickets=${ticket}`,
      `ticket.=${ticket}`,
    ])
      expect([query, await statusOf(`/guarded?${query}`)]).toEqual([query, 401]);
    await running.listen(`/orders/7?ticket=${ticket}`);
  });

  it('by a ticket for one room at every other route is answered with 403, which uses it', async () => {
    for (const path of ['/orders/8', '/orders/7%2f8', '/guarded', '/orders/7%00']) {
      const ticket = await issue({ user: 'ann', rooms: ['orders/7'] });
      const status = await statusOf(`${path}?ticket=${ticket}`);
      expect([path, [400, 403, 404].includes(status)]).toEqual([path, true]);
      if (status === 403) expect(await statusOf(`/orders/7?ticket=${ticket}`)).toBe(401);
    }
  });

  it('leaves the query behind a question mark in a value as it is', async () => {
    const ticket = await issue();
    await running.listen(`/orders/7?back=/shop?page=2&ticket=${ticket}`);
  });
});

describe.each(platforms)('guesses of tickets, on $name,', (platform) => {
  it('are answered with 401 or 400, whatever they are, and neither stored nor repeated', async () => {
    const broker = new MemoryBroker();
    const asked: string[] = [];
    const { tickets: sound } = broker;
    const take = sound.take.bind(sound);
    sound.take = (key) => {
      asked.push(key);
      return take(key);
    };
    const running = await platform.start(ticketApp({ broker, tickets: {} }));
    const ticket = await running.sse.tickets.issue(ORDERS);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 100 }),
          fc.base64String({ minLength: 40, maxLength: 44 }),
          fc.integer({ min: 0, max: 42 }).map((at) => `${ticket.slice(0, at)}-${ticket.slice(at + 1)}`),
        ),
        async (guess) => {
          if (guess === ticket) return;
          const answer = await running.open(`/orders/7?ticket=${encodeURIComponent(guess)}`);
          expect([401, 400]).toContain(answer.status);
          expect(answer.headers['set-cookie']).toBeUndefined();
          const body = await answer.text();
          if (guess.length > 20) expect(body).not.toContain(guess);
        },
      ),
      { numRuns: 60 },
    );
    // The broker is asked for hashes alone, and for nothing that has not the form of a ticket.
    for (const key of asked) expect(key).toMatch(/^[\w-]{43}$/);
    expect(running.sse.count()).toBe(0);
    await running.listen(`/orders/7?ticket=${ticket}`);
    await running.disconnectAll();
    await running.close();
  });

  it('of many kilobytes, and with broken encodings, end neither the process nor another stream', async () => {
    const running = await platform.start(ticketApp({ tickets: {} }));
    const ticket = await running.sse.tickets.issue(ORDERS);
    const stream = await running.listen(`/orders/7?ticket=${ticket}`);
    for (const value of ['A'.repeat(15_000), '%'.repeat(3_000), '%E0%A4%A', '%C0%80', '&'.repeat(3_000)]) {
      const socket = await RawSocket.connect(running.url);
      socket.get(`/guarded?ticket=${value}`);
      await socket.receives(/^HTTP\/1\.1 (4\d\d)/);
      socket.destroy();
    }
    expect(stream.isOpen).toBe(true);
    await running.disconnectAll();
    await running.close();
  });
});
