import { ReadableStream } from 'node:stream/web';
import { Controller, Get } from '@nestjs/common';
import { SseRoom, type CloseReason } from 'nestjs-simple-sse';
import { concat, EMPTY, from, NEVER, Observable, of, range, throwError } from 'rxjs';
import { allPlatforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

const shapes = [
  'text',
  7,
  null,
  false,
  { type: 'named', data: { a: 1 } },
  { event: 'also-named', data: 'text', id: '41' },
  { data: 'two\nlines', retry: 4_100 },
  { comment: 'a word for people' },
  { id: 7, name: 'not a message' },
  { data: 1, extra: 'so it is data as a whole' },
  { id: '9' },
  ['a', 'list'],
];

const receivedShapes = [
  { event: 'message', data: 'text' },
  { event: 'message', data: '7' },
  { event: 'message', data: 'null' },
  { event: 'message', data: 'false' },
  { event: 'named', data: '{"a":1}' },
  { event: 'also-named', data: 'text', id: '41' },
  { event: 'message', data: 'two\nlines' },
  { event: 'message', data: '{"id":7,"name":"not a message"}' },
  { event: 'message', data: '{"data":1,"extra":"so it is data as a whole"}' },
  { event: 'message', data: '{"id":"9"}' },
  { event: 'message', data: '["a","list"]' },
];

const witness = { subscribed: 0, unsubscribed: 0, returned: 0, pulled: 0 };

function witnessed(): Observable<string> {
  return new Observable((subscriber) => {
    witness.subscribed++;
    subscriber.next('first');
    return () => void witness.unsubscribed++;
  });
}

/** Yields one value and then waits; records whether `return()` was called. */
function silentIterable(): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => {
      let values = 0;
      return {
        next: () => (values++ === 0 ? Promise.resolve({ value: 'first' }) : new Promise(() => {})),
        return: () => {
          witness.returned++;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      };
    },
  };
}

async function* counted(upTo: number): AsyncGenerator<number> {
  try {
    for (let n = 1; n <= upTo; n++) {
      witness.pulled = n;
      yield n;
      await pause(0);
    }
  } finally {
    witness.returned++;
  }
}

/** Pulls one value at a time. */
function readable(values: AsyncGenerator): ReadableStream {
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await values.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await values.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

const failure = () => throwError(() => new Error('the secret of the server'));

@Controller()
class ReturnController {
  @Get('shapes') @SseRoom() shapes(): Observable<unknown> {
    return from(shapes);
  }
  @Get('shapes-generated') @SseRoom() async *shapesGenerated(): AsyncGenerator {
    yield* shapes;
  }
  @Get('shapes-readable') @SseRoom() shapesReadable(): ReadableStream {
    return readable(this.shapesGenerated());
  }
  @Get('promise-of-observable') @SseRoom() async promiseOfObservable(): Promise<Observable<number>> {
    await pause(5);
    return of(1, 2, 3);
  }
  @Get('promise-of-iterable') @SseRoom() async promiseOfIterable(): Promise<AsyncIterable<number>> {
    await pause(5);
    return counted(3);
  }
  @Get('thousand') @SseRoom() thousand(): Observable<number> {
    return range(0, 1_000);
  }
  @Get('empty') @SseRoom() empty(): Observable<never> {
    return EMPTY;
  }
  @Get('nothing') @SseRoom() nothing(): void {}
  @Get('promise-of-nothing') @SseRoom() async promiseOfNothing(): Promise<void> {
    await pause(1);
  }

  @Get('ends-in-room') @SseRoom('room') endsInRoom(): Observable<number> {
    return of(1);
  }
  @Get('generator-ends-in-room') @SseRoom('room') generatorEndsInRoom(): AsyncIterable<number> {
    return counted(1);
  }
  @Get('ends-with-room') @SseRoom('room', { endOnComplete: true }) endsWithRoom(): Observable<number> {
    return of(1);
  }
  @Get('plain-open') @SseRoom({ endOnComplete: false }) plainOpen(): Observable<number> {
    return of(1);
  }

  @Get('fails') @SseRoom() fails(): Observable<string> {
    return concat(of('first'), failure());
  }
  @Get('fails-in-room') @SseRoom('room') failsInRoom(): Observable<string> {
    return concat(of('first'), failure());
  }
  @Get('generator-fails') @SseRoom() async *generatorFails(): AsyncGenerator<string> {
    yield 'first';
    await pause(1);
    throw new Error('the secret of the server');
  }

  @Get('observable') @SseRoom('room') observable(): Observable<string> {
    return witnessed();
  }
  @Get('iterable') @SseRoom('room') iterable(): AsyncIterable<string> {
    return silentIterable();
  }
  @Get('generator') @SseRoom() generator(): AsyncIterable<number> {
    return counted(Infinity);
  }
  @Get('readable') @SseRoom() readable(): ReadableStream {
    return readable(counted(Infinity));
  }
  @Get('silent') @SseRoom() silent(): Observable<never> {
    return NEVER;
  }
}

describe.each(allPlatforms)('what a handler returns, on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [ReturnController] }));
  });
  beforeEach(() => Object.assign(witness, { subscribed: 0, unsubscribed: 0, returned: 0, pulled: 0 }));
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it.each([
    ['an Observable', '/shapes'],
    ['an async generator', '/shapes-generated'],
    ['a ReadableStream', '/shapes-readable'],
  ])('%s: each value is data, or a message where it has the shape of one', async (_what, path) => {
    const stream = await running.listen(path);
    const events = await stream.eventsUntilEnd();
    expect(events.map(({ event, data }) => ({ event, data }))).toEqual(
      receivedShapes.map(({ event, data }) => ({ event, data })),
    );
    expect(events[5]?.id).toBe('41');
    expect(stream.retries).toContain(4_100);
    expect(stream.comments.map((comment) => comment.trim())).toContain('a word for people');
    expect(stream.parseErrors).toEqual([]);
  });

  it.each([
    ['an Observable', '/promise-of-observable'],
    ['an async iterable', '/promise-of-iterable'],
  ])('a Promise of %s is the same', async (_what, path) => {
    const stream = await running.listen(path);
    expect((await stream.eventsUntilEnd()).map(({ data }) => data)).toEqual(['1', '2', '3']);
    expect(await stream.ended).toBe('whole');
  });

  it('a thousand values at once arrive in order, whole', async () => {
    const stream = await running.listen('/thousand');
    const data = (await stream.eventsUntilEnd()).map((event) => Number(event.data));
    expect(data).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  });

  it.each([
    ['nothing', '/nothing'],
    ['a Promise of nothing', '/promise-of-nothing'],
    ['a source that is silent', '/silent'],
  ])('%s: the head goes out at once and the stream stays open', async (_what, path) => {
    const stream = await running.listen(path);
    await running.sse.broadcast('*', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
    expect(stream.isOpen).toBe(true);
  });

  it.each([
    ['without a room the stream ends', '/shapes', true],
    ['without a value the stream ends as well', '/empty', true],
    ['in a room the stream stays open', '/ends-in-room', false],
    ['in a room the stream stays open after a generator too', '/generator-ends-in-room', false],
    ['in a room with endOnComplete: true the stream ends', '/ends-with-room', true],
    ['without a room with endOnComplete: false the stream stays open', '/plain-open', false],
  ])('when the source ends: %s', async (_what, path, ends) => {
    const reasons: CloseReason[] = [];
    const watching = running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const stream = await running.listen(path);
    if (ends) {
      await stream.eventsUntilEnd();
      expect(await stream.ended).toBe('whole');
      await eventually(() => reasons.length > 0, 'disconnected$');
      expect(reasons).toEqual(['source-ended']);
    } else {
      await stream.nextEvent();
      await running.sse.broadcast('*', 'live', 1);
      expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
    }
    watching.unsubscribe();
  });

  it.each([
    ['an Observable', '/fails'],
    ['an Observable in a room', '/fails-in-room'],
    ['an async generator', '/generator-fails'],
  ])('%s that fails after opening: a neutral sse:error, and the stream ends', async (_what, path) => {
    running.logger.clear();
    const reasons: CloseReason[] = [];
    const watching = running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const stream = await running.listen(`${path}?ticket=one-time`);
    const events = await stream.eventsUntilEnd();
    expect(await stream.ended).toBe('whole');
    expect(events.map(({ event }) => event)).toEqual(['message', 'sse:error']);
    expect(stream.rawText).not.toContain('secret');
    await eventually(() => reasons.length > 0, 'disconnected$');
    expect(reasons).toEqual(['source-failed']);
    const logged = running.logger.complaints.map(({ text }) => text).join('\n');
    expect(logged).toContain('the secret of the server');
    // The query may hold a ticket.
    expect(logged).toContain(`The stream of ${path} failed.`);
    expect(logged).not.toContain('one-time');
    watching.unsubscribe();
  });

  it('an Observable is unsubscribed when its client disconnects', async () => {
    const stream = await running.listen('/observable');
    await stream.nextEvent();
    expect(witness).toMatchObject({ subscribed: 1, unsubscribed: 0 });
    stream.close();
    await eventually(() => witness.unsubscribed === 1, 'the unsubscription');
  });

  it("an iterable's return() is called when its client disconnects, even in the middle of next()", async () => {
    const stream = await running.listen('/iterable');
    await stream.nextEvent();
    expect(witness.returned).toBe(0);
    stream.close();
    await eventually(() => witness.returned === 1, 'return()');
  });

  it.each([
    ['a generator', '/generator'],
    ['the generator of a ReadableStream', '/readable'],
  ])(
    'the finally block of %s runs when its client disconnects, and nothing more is pulled',
    async (_what, path) => {
      const stream = await running.listen(path);
      await stream.nextEvents(5);
      stream.close();
      await eventually(() => witness.returned === 1, 'the finally block');
      const pulled = witness.pulled;
      await pause(20);
      expect(witness.pulled).toBe(pulled);
    },
  );
});
