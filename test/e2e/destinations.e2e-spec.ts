import { PresenceController, presenceApp } from '../presence/presence-app.js';
import { fastify, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually } from '../support/within.js';
import type { ExcludedTarget, SseClient } from 'nestjs-simple-sse';
import type { TestStream } from 'nestjs-simple-sse/testing';

describe.each(platforms)('sse.to(…), on $name', (platform) => {
  let running: RunningApp;
  let streams: readonly TestStream[];
  let clients: readonly SseClient[];

  /** Streams of user 7 in `a`, of user 8 in `b`, and of user 9 in both. */
  beforeEach(async () => {
    running = await platform.start(presenceApp({ rooms: {} }));
    const open = (path: string): Promise<TestStream> => running.openTest(path);
    streams = [await open('/rooms/a?user=7'), await open('/rooms/b?user=8'), await open('/rooms/a?user=9')];
    ({ clients } = running.get(PresenceController));
    await clients[2]?.join('b');
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  /** Names of the events of each stream, up to `end`. */
  async function namesOfAll(): Promise<string[]> {
    await running.sse.broadcast('*', 'end', 1);
    return Promise.all(
      streams.map(async (stream) => {
        const events = await stream.until('end');
        return events
          .slice(0, -1)
          .map(({ event }) => event)
          .join();
      }),
    );
  }

  it('publishes one event, which each client of the rooms receives once', async () => {
    const position = await running.sse.to('a', ['b']).emit('x', 1);
    expect(position).toMatch(/^1\./);
    await running.sse.to('a').to('b').emit('y', 1, { volatile: true });
    expect(await running.sse.to().emit('nobody', 1)).toBeUndefined();
    expect(await namesOfAll()).toEqual(['x,y', 'x,y', 'x,y']);
  });

  it('leaves out clients and users, also of an event without a name', async () => {
    const others = running.sse.to('a', 'b').except(clients[0] as SseClient, { user: 9 });
    await others.emit('x', 1);
    await others.emit('text');
    expect(await namesOfAll()).toEqual(['', 'x,message', '']);
  });

  it('never changes, and can be kept', async () => {
    const a = running.sse.to('a');
    const withoutSeven = a.except({ user: 7 });
    const both = withoutSeven.to('b').except([{ user: 9 }], { user: 9 });
    await a.emit('first', 1);
    await withoutSeven.emit('second', 1);
    await both.emit('third', 1);
    await withoutSeven.emit('fourth', 1, { idempotencyKey: 'once' });
    await withoutSeven.emit('fourth', 1, { idempotencyKey: 'once' });
    expect(await namesOfAll()).toEqual(['first', 'third', 'first,second,fourth']);
  });

  it('refuses wrong rooms and excluded targets at once, and wrong events by its promise', async () => {
    const { sse } = running;
    const refused = [
      () => sse.to(''),
      () => sse.to('a', 'orders/*'),
      () => sse.to('a').to(unchecked<string>(undefined)),
      () => sse.to('a').except(unchecked<ExcludedTarget>('7')),
      () => sse.to('a').except({ user: '' }),
      () => sse.to('a').emit('sse:gap', 1),
      () => sse.to('a').emit('x', undefined),
      () => sse.to('a').emit('x', 1, unchecked({ except: clients[0] })),
      () => sse.to('a').emit(...unchecked<[string, unknown]>(['x', 1, {}, 2])),
    ];
    const codes: string[] = [];
    for (const call of refused) codes.push((await sseRefusal(call)).code);
    expect(codes).toEqual([
      'invalid-room',
      'invalid-room',
      'invalid-room',
      'invalid-arguments',
      'invalid-user',
      'invalid-event-name',
      'invalid-data',
      'invalid-arguments',
      'invalid-arguments',
    ]);
  });

  it('logs an emit that nobody awaits and that fails, with its rooms and its event', async () => {
    void running.sse.to('a', 7).emit('x', undefined);
    await eventually(() => running.logger.complaints.length > 0, 'the log');
    expect(running.logger.complaints[0]?.text).toContain('to("a", "7").emit("x", …)');
    running.logger.complaints.length = 0;
  });
});

it('sse.to(…).except({ user }) is refused without the option identify', async () => {
  const running = await fastify.start(presenceApp({ identify: undefined, rooms: {} }));
  const error = await sseRefusal(() => running.sse.to('a').except({ user: 7 }));
  expect([error.code, error.message]).toEqual(['invalid-arguments', expect.stringContaining('"identify"')]);
  await running.close();
});
