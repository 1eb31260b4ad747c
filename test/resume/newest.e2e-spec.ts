import { Controller, Get, type Type } from '@nestjs/common';
import * as fc from 'fast-check';
import {
  ConnectedClient,
  SseClient,
  SseRoom,
  type Replay,
  type SseModuleOptions,
  type SseRoomOptions,
} from 'nestjs-simple-sse';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import { fastify, platforms } from '../support/platforms.js';
import { refusal, sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { chosenSeed } from '../support/seeds.js';
import { sseApp } from '../support/sse-app.js';

/** Streams in the rooms `a` and `b`, by the amount of their replay. */
@Controller()
class NewestController {
  @Get('one')
  @SseRoom(['a', 'b'], { replay: 1 })
  one(): void {}

  @Get('three')
  @SseRoom(['a', 'b'], { replay: 3 })
  three(): void {}

  @Get('all')
  @SseRoom(['a', 'b'], { replay: 'all' })
  all(): void {}

  @Get('names')
  @SseRoom(['a', 'b'], { replay: { perEventName: 1 } })
  names(): void {}

  @Get('joined')
  @SseRoom({ replay: 2 })
  async joined(@ConnectedClient() client: SseClient): Promise<void> {
    await client.join('a');
  }

  @Get('none')
  @SseRoom('a', { replay: 0 })
  none(): void {}
}

const options: SseModuleOptions = {
  identify: ({ request }: SseClient) => {
    const { user } = (request as { query: { user?: string } }).query;
    return user === undefined ? undefined : { user };
  },
};

function app(more: SseModuleOptions = {}): Type {
  return sseApp({ controllers: [NewestController], options: { ...options, ...more } });
}

/** Publishes `end` to room `a`, which is not stored, and reads the events of a stream up to it. */
async function receivedUntilEnd(running: RunningApp, stream: EventStream): Promise<ReceivedEvent[]> {
  await running.sse.broadcast('a', 'end', 'end', { volatile: true });
  const received: ReceivedEvent[] = [];
  while (received.at(-1)?.data !== 'end') received.push(await stream.nextEvent());
  return received.slice(0, -1);
}

async function textsOf(running: RunningApp, path: string, init = {}): Promise<string[]> {
  const stream = await running.listen(path, init);
  const texts = (await receivedUntilEnd(running, stream)).map(({ data }) => data.slice(0, 10));
  stream.close();
  return texts;
}

function numbersOf(texts: readonly string[]): string {
  return texts.map((text) => text.trim()).join('');
}

describe.each(platforms)('a stream with replay, on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(app());
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  const publish = async (...texts: string[]): Promise<void> => {
    for (const text of texts) {
      const [rooms = '', event = '', data = ''] = text.split(' ');
      await running.sse.broadcast(rooms.split(','), event, data);
    }
  };

  it.each([
    ['one', ['b2', 'a3']],
    ['three', ['a1', 'b1', 'a2', 'b2', 'a3']],
    ['all', ['a0', 'a1', 'b1', 'a2', 'b2', 'a3']],
    ['names', ['a1', 'b1', 'b2', 'a3']],
    ['none', []],
    ['joined', ['a2', 'a3']],
  ])('begins with the newest events of its rooms, oldest first: %s', async (path, expected) => {
    await publish('a x a0', 'a y a1', 'b x b1', 'a x a2', 'b y b2', 'a x a3');
    expect(await textsOf(running, `/${path}`)).toEqual(expected);
  });

  it('receives an event in several of its rooms once', async () => {
    await publish('a x a1', 'a,b x both');
    for (const path of ['one', 'all', 'names']) {
      const texts = await textsOf(running, `/${path}`);
      expect([path, texts.filter((text) => text === 'both')]).toEqual([path, ['both']]);
    }
  });

  it('receives none that excludes its user, and the one before it instead where each name counts', async () => {
    await publish('a x 1');
    await running.sse.broadcast('a', 'x', '2', { except: { user: 7 } });
    expect(await textsOf(running, '/names?user=7')).toEqual(['1']);
    expect(await textsOf(running, '/all?user=7')).toEqual(['1']);
    expect(await textsOf(running, '/names?user=8')).toEqual(['2']);
  });

  it('has no position before the newest events are sent, and continues from there after a reconnect', async () => {
    await publish('a x 1', 'a x 2');
    const stream = await running.listen('/one');
    const ready = await stream.nextEvent({ control: true });
    expect([ready.event, ready.id]).toEqual(['sse:ready', undefined]);
    expect(await stream.nextEvent()).toMatchObject({ data: '2', id: undefined });
    await publish('a x 3');
    const third = await stream.nextEvent();
    expect(third.data).toBe('3');
    expect(stream.rawText).toMatch(/data: 2\n\nid: 1\.[^\n]+\n\nevent: x\ndata: 3\nid: 1\./);
    const [, position = ''] = /\n\nid: (1\.[^\n]+)\n\n/.exec(stream.rawText) ?? [];
    stream.close();
    const after = (id: string): Promise<string[]> =>
      textsOf(running, '/one', { headers: { 'last-event-id': id } });
    expect(await after(position)).toEqual(['3']);
    expect(await after(third.id ?? '')).toEqual([]);
  });

  it('sends more than a page of large events whole', async () => {
    const filler = 'x'.repeat(150_000);
    for (let n = 0; n < 6; n++)
      await running.sse.broadcast(n % 2 === 0 ? 'a' : 'b', `n${n % 3}`, `${n}`.padEnd(10) + filler);
    expect(numbersOf(await textsOf(running, '/one'))).toBe('45');
    expect(numbersOf(await textsOf(running, '/three'))).toBe('012345');
    expect(numbersOf(await textsOf(running, '/names'))).toBe('012345');
    expect(numbersOf(await textsOf(running, '/all'))).toBe('012345');
  });
});

function controllerWith(rooms: string[], replay: Replay): Type {
  const given: SseRoomOptions = { replay };
  @Controller()
  class CheckedController {
    @Get('checked')
    @SseRoom(rooms, given)
    checked(): void {}
  }
  return CheckedController;
}

describe('a stream with replay', () => {
  it('loses no event, and receives none twice or out of order, while others are published', async () => {
    const running = await fastify.start(app());
    const paths = fc.constantFrom('one', 'three', 'all', 'names');
    let count = 0;
    const publish = (): Promise<unknown> =>
      running.sse.broadcast(count % 2 === 0 ? 'a' : ['a', 'b'], 'x', `${count++}`);
    await fc.assert(
      fc.asyncProperty(
        paths,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 5 }),
        async (path, before, during) => {
          for (let n = 0; n < before; n++) await publish();
          const newestBefore = count - 1;
          const opening = running.listen(`/${path}`);
          for (let n = 0; n < during; n++) {
            await publish();
            await new Promise(setImmediate);
          }
          const stream = await opening;
          const numbers = (await receivedUntilEnd(running, stream)).map(({ data }) => Number(data));
          stream.close();
          const live = numbers.filter((n) => n > newestBefore);
          expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
          expect(live).toEqual(Array.from({ length: live.length }, (_, n) => count - live.length + n));
          if (during === 0) expect(numbers).toContain(newestBefore);
          else expect(Math.min(...numbers)).toBeLessThanOrEqual(newestBefore + during);
        },
      ),
      { numRuns: 40, seed: chosenSeed() },
    );
    await running.disconnectAll();
    await running.close();
  });

  it.each([-1, 1.5, '3', 'newest', null, [], {}, { perEventName: -1 }, { perEventName: 1, more: 1 }])(
    'is refused with another amount, by its decorator: %j',
    async (replay) => {
      const error = await sseRefusal(() => controllerWith(['a'], unchecked<Replay>(replay)));
      expect([error.code, error.message]).toEqual([
        'invalid-options',
        expect.stringContaining('"replay" of @SseRoom()'),
      ]);
    },
  );

  it.each<[string, string[], SseModuleOptions]>([
    ['no room has history', [], { history: false }],
    ['its rooms have none', ['a', 'b'], { rooms: { '*': { volatile: true } } }],
  ])('is refused at start-up by name where %s', async (_reason, rooms, moduleOptions) => {
    const controllers = [controllerWith(rooms, 1)];
    const error = await refusal(() => fastify.start(sseApp({ controllers, options: moduleOptions })));
    expect(error).toMatchObject({ code: 'invalid-options' });
    expect(String(error)).toContain(
      `"replay" of @SseRoom() on CheckedController.checked() has no effect, as its rooms have no history`,
    );
  });
});
