import { Controller, ForbiddenException, Get } from '@nestjs/common';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { finalize, Observable, Subject, take } from 'rxjs';
import { platforms } from '../../support/platforms.js';
import { unchecked } from '../../support/refusal.js';
import type { RunningApp } from '../../support/running-app.js';
import { sseApp } from '../../support/sse-app.js';
import { eventually, someTurns } from '../../support/within.js';
import { WrappedMemoryBroker } from '../../support/wrapped-memory-broker.js';

const fail = (): never => {
  throw new Error('the callback failed');
};
const failures = {
  throws: fail,
  rejects: () => Promise.reject(new Error('the callback failed')),
  'returns nonsense': () => unchecked<never>(Symbol('nonsense')),
} satisfies Record<string, () => unknown>;
type Way = keyof typeof failures;
const ways = Object.keys(failures) as Way[];

const never = (): Promise<never> => new Promise(() => {});

/** Room functions of the controller, by the name of their route. */
const rooms = { ...failures, forbids: () => Promise.reject(new ForbiddenException()), hangs: never };

@Controller()
class SourceController {
  @Get('stream')
  @SseRoom('room')
  stream(): void {}

  @Get('joins')
  @SseRoom((request: { query: { way: keyof typeof rooms } }) => rooms[request.query.way]())
  joins(): void {}

  /** Fails when it is stopped. */
  @Get('observable')
  @SseRoom('room')
  observable(): Observable<string> {
    return new Observable<string>(() => fail);
  }

  @Get('iterable')
  @SseRoom('room')
  iterable(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => ({ next: never, return: failures.rejects }) };
  }

  @Get('nonsense')
  @SseRoom('room')
  nonsense(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => ({ next: failures['returns nonsense'] }) };
  }

  @Get('hangs')
  @SseRoom('room')
  hangs(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => ({ next: never }) };
  }
}

describe.each(platforms)('what the application gives to this package, on $name:', (platform) => {
  let running: RunningApp;
  let counted: string[];
  const uncaught: unknown[] = [];
  const collect = (error: unknown): void => void uncaught.push(error);

  beforeEach(() => {
    uncaught.length = 0;
    process.on('uncaughtException', collect).on('unhandledRejection', collect);
  });
  afterEach(async () => {
    await running.close();
    await someTurns();
    process.off('uncaughtException', collect).off('unhandledRejection', collect);
    expect(uncaught).toEqual([]);
  });

  const start = async (options: SseModuleOptions = {}): Promise<void> => {
    counted = [];
    const metrics = {
      clientOpened: () => {},
      clientClosed: () => {},
      eventDelivered: () => {},
      volatileDropped: () => {},
      callbackFailed: (name: string) => counted.push(name),
    };
    running = await platform.start(
      sseApp({ controllers: [SourceController], options: { metrics, ...options } }),
    );
  };
  const logged = (): string => running.logger.complaints.map(({ text }) => text).join('\n');

  /** Opens a stream and shows that it receives events. */
  const servesOthers = async (): Promise<void> => {
    const stream = await running.listen('/stream');
    await running.sse.broadcast('room', 'still served');
    expect((await stream.nextEvent()).data).toBe('still served');
    stream.close();
  };

  it.each([
    ['throws', 500],
    ['rejects', 500],
    ['forbids', 403],
    ['returns nonsense', 400],
  ])(
    'a function of @SseRoom that %s is answered with %d, and its client is forgotten',
    async (way, status) => {
      await start();
      const answer = await running.open(`/joins?way=${encodeURIComponent(way)}`);
      expect(answer.status).toBe(status);
      expect(running.sse.count()).toBe(0);
      await servesOthers();
    },
  );

  it('a function of @SseRoom that hangs delays only its own request', async () => {
    await start();
    const waiting = running.open('/joins?way=hangs').catch(() => 'closed');
    await servesOthers();
    await eventually(() => running.sse.count() === 0, 'no client');
    running.server.closeAllConnections();
    expect(await waiting).toBe('closed');
  });

  it.each(['observable', 'iterable'])(
    'a handler source, the %s, that fails when it is stopped is reported and counted',
    async (path) => {
      await start();
      const stream = await running.listen(`/${path}`);
      stream.close();
      await eventually(() => counted.includes('handler source'), 'the count');
      expect(running.sse.count()).toBe(0);
      expect(logged()).toMatch(
        /A callback of the application failed: handler source \(client [0-9a-f]{8}.*\)\./,
      );
      await servesOthers();
    },
  );

  it('a handler source whose iterator returns nonsense fails before or after its stream opens, and no other', async () => {
    await start();
    const answer = await running.open('/nonsense');
    await answer.ended;
    expect(running.sse.count()).toBe(0);
    await servesOthers();
  });

  it('a handler source that hangs leaves its stream open for events of its rooms', async () => {
    await start();
    const stream = await running.listen('/hangs');
    await running.sse.broadcast('room', 'one');
    expect((await stream.nextEvent()).data).toBe('one');
    stream.close();
    await eventually(() => running.sse.count() === 0, 'the end of the client');
  });

  it('publishFrom reports a value that cannot be sent, then the failure of the source, and counts both', async () => {
    await start();
    const source = new Subject<unknown>();
    running.sse.publishFrom('room', source);
    const stream = await running.listen('/stream');
    for (let n = 0; n < 50; n++) source.next({ amount: 1n });
    source.next('valid');
    expect((await stream.nextEvent()).data).toBe('valid');
    source.error(new Error('the source failed'));
    await eventually(() => counted.length === 51, 'the counts');
    expect(new Set(counted)).toEqual(new Set(['publishFrom']));
    // Equal failures are one line.
    expect(running.logger.complaints.map(({ text }) => text.split('\n')[0])).toEqual([
      expect.stringContaining('publishFrom (a value of publishFrom(["room"])'),
      expect.stringContaining('publishFrom (the source of publishFrom(["room"]): the source failed)'),
    ]);
  });

  it.each(['connected$', 'disconnected$', 'brokerState$', 'stream()'] as const)(
    'a subscriber of %s whose finalize throws does not keep the application from closing',
    async (name) => {
      await start();
      const observable = name === 'stream()' ? running.sse.stream('room') : running.sse[name];
      (observable as Observable<unknown>).pipe(finalize(fail)).subscribe();
      await servesOthers();
      await running.shutDown();
      expect(counted).toEqual([name]);
    },
  );

  it('a subscriber that throws and ends with its first value leaves the others subscribed', async () => {
    await start();
    const values: string[] = [];
    running.sse.connected$.pipe(take(1), finalize(fail)).subscribe(fail);
    running.sse.connected$.subscribe(({ client }) => values.push(client.id));
    await servesOthers();
    await servesOthers();
    expect(values).toHaveLength(2);
    expect(new Set(counted)).toEqual(new Set(['connected$']));
  });

  it.each(['throws', 'rejects'] as const)('a broker whose publish %s rejects the call', async (way) => {
    const broker = new WrappedMemoryBroker();
    broker.publish = failures[way];
    await start({ broker });
    await expect(running.sse.broadcast('room', 'one')).rejects.toThrow('the callback failed');
    void running.sse.broadcast('room', 'two');
    await eventually(() => logged().includes('the callback failed'), 'the line');
    await running.listen('/stream');
  });

  it.each(['throws', 'rejects'] as const)(
    'a broker whose subscribe %s is asked again for the room once its clients have left',
    async (way) => {
      const broker = new WrappedMemoryBroker();
      await start({ broker });
      const subscribe = broker.subscribe.bind(broker);
      broker.subscribe = failures[way];
      const stream = await running.open('/stream');
      await eventually(() => logged().includes('the callback failed'), 'the line');
      stream.close();
      await eventually(() => running.sse.count() === 0, 'the end of the client');
      expect(running.sse.rooms()).toEqual([]);
      broker.subscribe = subscribe;
      await servesOthers();
    },
  );

  it.each(ways)(
    'a broker whose read %s ends the stream of a client that resumes, and no other',
    async (way) => {
      const broker = new WrappedMemoryBroker();
      await start({ broker });
      const id = await running.sse.broadcast('room', 'one');
      broker.read = failures[way];
      const reasons: string[] = [];
      running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
      const stream = await running.open('/stream', { headers: { 'last-event-id': id ?? '' } });
      await stream.ended;
      await eventually(() => reasons.length > 0, 'the end of the client');
      expect(reasons).toEqual(['broker-unavailable']);
      await servesOthers();
    },
  );

  it.each(['throws', 'rejects'] as const)(
    'a broker whose close %s is reported, and the application closes',
    async (way) => {
      const broker = new WrappedMemoryBroker();
      broker.close = failures[way];
      await start({ broker });
      let completed = false;
      running.sse.connected$.subscribe({ complete: () => (completed = true) });
      await servesOthers();
      await running.shutDown();
      expect([completed, counted]).toEqual([true, ['broker']]);
    },
  );
});
