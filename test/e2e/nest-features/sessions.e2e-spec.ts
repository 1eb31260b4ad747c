import { Controller, Get, Req } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import session from 'express-session';
import { express } from '../../support/platforms.js';
import { sseApp } from '../../support/sse-app.js';
import { eventually } from '../../support/within.js';
import type { Request } from 'express';
import type { RunningApp } from '../../support/running-app.js';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

@Controller()
class SessionController {
  @Get('visits')
  @SseRoom('c')
  visits(@Req() request: Request): void {
    request.session.visits = (request.session.visits ?? 0) + 1;
  }

  @Get('reads')
  @SseRoom('c')
  reads(@Req() request: Request): unknown {
    return request.session.visits ?? 0;
  }

  @Get('regenerates')
  @SseRoom('c')
  async regenerates(@Req() request: Request): Promise<void> {
    await new Promise((done) => request.session.regenerate(done));
    request.session.visits = 100;
  }

  @Get('destroys')
  @SseRoom('c')
  async destroys(@Req() request: Request): Promise<void> {
    await new Promise((done) => request.session.destroy(done));
  }

  @Get('visits/now')
  now(@Req() request: Request): unknown {
    return { visits: request.session.visits ?? 0 };
  }
}

class CountingStore extends session.MemoryStore {
  saved = 0;
  failure: Error | undefined;

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.saved++;
    if (this.failure === undefined) super.set(id, data, done);
    else done?.(this.failure);
  }
}

describe('express-session', () => {
  let running: RunningApp;
  let store: CountingStore;

  beforeEach(async () => {
    store = new CountingStore();
    running = await express.start(sseApp({ controllers: [SessionController] }), {
      configure: (app) =>
        app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false, store })),
    });
  });
  afterEach(() => running.close());

  async function openSession(path = '/visits'): Promise<Record<string, string>> {
    const stream = await running.listen(path);
    return { cookie: String(stream.headers['set-cookie']).split(';', 1)[0] as string };
  }

  async function visits(headers: Record<string, string>): Promise<unknown> {
    return (await running.open('/visits/now', { headers })).json();
  }

  it('has what a handler writes when the stream opens, for other requests and after the client has left', async () => {
    const headers = await openSession();
    expect(await visits(headers)).toEqual({ visits: 1 });
    const stream = await running.listen('/visits', { headers });
    expect(await visits(headers)).toEqual({ visits: 2 });
    stream.close();
    await running.disconnectAll();
    expect(await visits(headers)).toEqual({ visits: 2 });
  });

  it('is not stored for a handler that only reads, which would overwrite other changes', async () => {
    const headers = await openSession();
    store.saved = 0;
    const stream = await running.listen('/reads', { headers });
    expect(await stream.nextEvent()).toMatchObject({ data: '1' });
    const fresh = await running.listen('/reads');
    expect(fresh.headers['set-cookie']).toBeUndefined();
    expect(store.saved).toBe(0);
  });

  it('may be regenerated or destroyed by a handler', async () => {
    const headers = await openSession('/regenerates');
    expect(await visits(headers)).toEqual({ visits: 100 });
    await running.listen('/destroys', { headers });
    expect(await visits(headers)).toEqual({ visits: 0 });
  });

  it('that cannot be stored is answered with 500', async () => {
    store.failure = new Error('the store is full');
    const answer = await running.open('/visits');
    expect([answer.status, answer.isEventStream]).toEqual([500, false]);
    expect(running.logger.complaints.some(({ text }) => text.includes('the store is full'))).toBe(true);
    await eventually(() => running.sse.count() === 0, 'no client');
  });
});
