import * as fc from 'fast-check';
import { Controller, Get } from '@nestjs/common';
import { SseRoom, type BrokerListener, type SseBroker, type SseRoomOptions } from 'nestjs-simple-sse';
import type { EventStream } from '../support/event-stream.js';
import { fastify, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { chosenSeed } from '../support/seeds.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { Counters, expectExactAfterState, receivedUntilEnd, snapshotApp } from './snapshot-app.js';

/** A memory broker that reports gaps on demand. */
class LossyBroker extends WrappedMemoryBroker {
  listener!: BrokerListener;

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.listener = listener;
    return super.start(policy, listener);
  }
}

/** A memory broker that delivers room `a` once it is asked to. */
class LateBroker extends WrappedMemoryBroker {
  deliver!: () => void;
  readonly #delivers = new Promise<void>((resolve) => (this.deliver = resolve));

  override async subscribe(room: string): Promise<void> {
    if (room === 'a') await this.#delivers;
    void super.subscribe(room);
  }
}

/** Waits for turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise(setImmediate);
}

describe.each(platforms)('a stream with a snapshot, on $name', (platform) => {
  let running: RunningApp;
  let counters: Counters;
  let broker: LossyBroker;

  beforeEach(async () => {
    broker = new LossyBroker();
    running = await platform.start(snapshotApp({ broker, historyMaxEvents: 5 }));
    counters = running.get(Counters);
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('begins with the state, and has its position only after it', async () => {
    await counters.count('a');
    await counters.count('a');
    const stream = await running.listen('/counters/a');
    expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready', id: undefined });
    expect(await receivedUntilEnd(running, stream)).toEqual(['snapshot 2']);
    expect(stream.rawText).toMatch(/event: snapshot\ndata: 2\n\nid: 1\.\S+\n\n/);
  });

  it('sends a message under its own name, before the values of the handler', async () => {
    const stream = await running.listen('/named/a');
    expect(await receivedUntilEnd(running, stream)).toEqual([
      'state {"of":"a"}',
      'message value of the handler',
    ]);
  });

  it('sends the events published during the load after it', async () => {
    await counters.count('a');
    counters.beforeRead = () => counters.count('a');
    counters.afterRead = () => counters.count('a');
    const stream = await running.listen('/counters/a');
    expect(await receivedUntilEnd(running, stream)).toEqual(['snapshot 2', 'set 2', 'set 3']);
  });

  it('that resumes without a gap receives what it missed, and no state', async () => {
    const first = await running.listen('/counters/a');
    await counters.count('a');
    await first.nextEvent();
    const { id = '' } = await first.nextEvent();
    first.close();
    await counters.count('a');
    const again = await running.listen('/counters/a', { headers: { 'last-event-id': id } });
    expect(await receivedUntilEnd(running, again)).toEqual(['set 2']);
    expect(counters.loads).toBe(1);
  });

  it('that resumes after a gap receives the state again, after the missed events', async () => {
    await counters.count('a');
    const first = await running.listen('/counters/a');
    await counters.count('a');
    await first.nextEvent();
    const { id = '' } = await first.nextEvent();
    first.close();
    for (let n = 0; n < 6; n++) await counters.count('a');
    const again = await running.listen('/counters/a', { headers: { 'last-event-id': id } });
    await again.nextEvent({ control: true });
    expect(await again.nextEvent({ control: true })).toMatchObject({ event: 'sse:gap' });
    expect(await receivedUntilEnd(running, again)).toEqual([
      'set 4',
      'set 5',
      'set 6',
      'set 7',
      'set 8',
      'snapshot 8',
    ]);
  });

  it.each(['nonsense', '1.0000000000000000000'])(
    'that comes back with an id of no use receives the state: %s',
    async (id) => {
      await counters.count('a');
      const stream = await running.listen('/counters/a', { headers: { 'last-event-id': id } });
      expect(await receivedUntilEnd(running, stream)).toEqual(['snapshot 1']);
      expect(stream.events.map(({ event }) => event).slice(0, 2)).toEqual(['sse:ready', 'sse:gap']);
    },
  );

  it('receives the state again after a gap while it is connected', async () => {
    const stream = await running.listen('/counters/a');
    await stream.nextEvent();
    await counters.count('a');
    await stream.nextEvent();
    counters.afterRead = () => counters.count('a');
    broker.listener.onGap(['a']);
    expect(await stream.nextEvent()).toMatchObject({ event: 'snapshot', data: '1' });
    counters.afterRead = async () => {};
    expect(await receivedUntilEnd(running, stream)).toEqual(['set 2']);
    broker.listener.onGap(['other']);
    expect(await receivedUntilEnd(running, stream)).toEqual([]);
    expect(counters.loads).toBe(2);
  });

  it('is answered with the status of a load that failed, and leaves no client', async () => {
    expect((await running.open('/counters/missing')).status).toBe(404);
    expect((await running.open('/nothing/a')).status).toBe(500);
    expect((await running.open('/identified/a')).status).toBe(500);
    await eventually(() => running.sse.count() === 0, 'no client left');
  });

  it('ends with sse:error where a later load fails', async () => {
    const stream = await running.listen('/counters/a');
    await stream.nextEvent();
    counters.beforeRead = () => Promise.reject(new Error('the database is away'));
    broker.listener.onGap(['a']);
    await stream.eventsUntilEnd();
    expect(stream.events.map(({ event }) => event)).toEqual([
      'sse:ready',
      'snapshot',
      'sse:gap',
      'sse:error',
    ]);
    expect(JSON.stringify(running.logger.lines)).toContain('the database is away');
  });

  it('loads nothing for HEAD, nor for a client that has gone', async () => {
    const head = await fetch(`${running.url}/counters/a`, { method: 'HEAD' }).catch(() => undefined);
    if (head !== undefined) expect(head.status).toBe(200);
    expect(counters.loads).toBe(0);
  });

  it('shares a load among clients that wait at once, and starts it after each has joined', async () => {
    counters.afterRead = () => eventually(() => running.sse.count('a') === 20, 'every client has joined');
    const events = await Promise.all(
      Array.from({ length: 20 }, async () => {
        await counters.count('a');
        return running.listen('/shared/a');
      }),
    );
    await counters.count('a');
    await running.sse.broadcast('a', 'end', 0);
    for (const stream of events) {
      const received: string[] = [];
      while (received.at(-1) !== 'end 0') {
        const { event, data } = await stream.nextEvent();
        received.push(`${event} ${data}`);
      }
      expectExactAfterState(received.slice(0, -1), 21);
    }
    // The first one, one for those that asked during it, and few for those that were late.
    expect(counters.loads).toBeLessThanOrEqual(10);
  });
});

describe('a stream with a snapshot', () => {
  it('lacks no event between the state and those that follow, however slow the load is', async () => {
    const running = await fastify.start(snapshotApp());
    const counters = running.get(Counters);
    const amount = fc.integer({ min: 0, max: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('counters', 'shared'),
        amount,
        amount,
        fc.array(amount, { maxLength: 12 }),
        async (path, before, after, pauses) => {
          counters.beforeRead = () => turns(before);
          counters.afterRead = () => turns(after);
          const streams: Promise<EventStream>[] = [];
          for (const pause of pauses) {
            streams.push(running.listen(`/${path}/a`));
            await turns(pause);
            await counters.count('a');
          }
          const opened = await Promise.all(streams);
          await running.sse.broadcast('a', 'end', 0);
          for (const stream of opened) {
            const received: string[] = [];
            while (received.at(-1) !== 'end 0') {
              const { event, data } = await stream.nextEvent();
              received.push(`${event} ${data}`);
            }
            expectExactAfterState(received.slice(0, -1), counters.values.get('a') ?? 0);
            stream.close();
          }
        },
      ),
      { numRuns: 40, seed: chosenSeed() },
    );
    await running.disconnectAll();
    await running.close();
  });

  it('opens without its state while the broker does not deliver its room, and is sent it then', async () => {
    const broker = new LateBroker();
    const running = await fastify.start(snapshotApp({ broker }));
    const stream = await running.listen('/counters/a');
    expect(running.get(Counters).loads).toBe(0);
    broker.deliver();
    expect(await stream.nextEvent()).toMatchObject({ event: 'snapshot', data: '0' });
    await running.disconnectAll();
    await running.close();
  });

  it.each<[string, string | undefined, SseRoomOptions, RegExp]>([
    ['no room', undefined, { snapshot: () => 1 }, /needs a room/],
    ['replay', 'a', { snapshot: () => 1, replay: 1 }, /begins with the state or with events/],
  ])('is refused at start-up with %s', async (_name, room, given, message) => {
    @Controller()
    class WrongController {
      @Get('wrong')
      @SseRoom(unchecked<string>(room), given)
      wrong(): void {}
    }
    const error = await sseRefusal(() => fastify.start(sseApp({ controllers: [WrongController] })));
    expect(error.code).toBe('invalid-options');
    expect(error.message).toMatch(message);
  });

  it.each([
    1,
    'load',
    null,
    {},
    { load: 1 },
    { load: () => 1, shared: 'yes' },
    { load: () => 1, share: true },
  ])('is refused with a wrong value: %j', async (snapshot) => {
    const { code } = await sseRefusal(() => SseRoom('a', unchecked<SseRoomOptions>({ snapshot })));
    expect(code).toBe('invalid-options');
  });
});
