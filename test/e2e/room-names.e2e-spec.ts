import { Controller, Get, type Type } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';

const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** Results of a careless function of the request, which must not become rooms. */
const noRooms: Record<string, unknown> = {
  empty: '',
  missing: undefined,
  null: null,
  object: { room: 'a' },
  star: '*',
  nan: NaN,
  boolean: true,
  'empty-in-a-list': ['fine', ''],
  'star-in-a-list': ['fine', '*'],
  'missing-in-a-list': ['fine', undefined],
  'object-in-a-list': ['fine', {}],
  circular,
  nobody: 'user/undefined',
  'null-part': 'null/a',
  'nan-part': 'a:NaN',
  'object-part': 'a/[object Object]/b',
};

let handlerCalls = 0;

@Controller()
class AskedController {
  // The application declares the type; the client determines the value.
  @Get('asked/:case')
  @SseRoom(({ params }) => unchecked<string>(noRooms[String(params['case'])]))
  asked(): void {
    handlerCalls++;
  }

  @Get('mine')
  @SseRoom(({ user }: { user?: string }) => `user/${user}`)
  mine(): void {}

  @Get('template/:room')
  @SseRoom(':room')
  template(): void {}

  @Get('colon/:id')
  @SseRoom('chat::id')
  colon(): void {}

  @Get('dot/:id')
  @SseRoom('chat.:id')
  dot(): void {}

  @Get('pair/:a/:b')
  @SseRoom(':a-:b')
  pair(): void {}

  @Get('throws')
  @SseRoom(() => {
    throw new Error('the secret of the server');
  })
  throws(): void {}
}

describe.each(allPlatforms)('a room name from the request on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [AskedController] }));
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it.each(Object.keys(noRooms))('is a refusal before the stream opens: %s', async (name) => {
    const isFaultOfServer = name.startsWith('missing') || name === 'null';
    const status = isFaultOfServer ? 500 : 400;
    handlerCalls = 0;
    running.logger.clear();
    const answer = await running.open(`/asked/${name}`);
    expect({ status: answer.status, stream: answer.isEventStream }).toEqual({ status, stream: false });
    expect(await answer.json()).toMatchObject({ statusCode: status });
    expect([running.sse.count(), [...running.sse.rooms()]]).toEqual([0, []]);
    expect(handlerCalls).toBe(0);
    const faults = running.logger.complaints.filter(({ text }) => !text.includes('made an invalid name'));
    expect(faults.map(({ text }) => text)).toEqual(
      isFaultOfServer
        ? [
            expect.stringMatching(
              /\w+\.\w+\(\) cannot join its room\. A room function of @SseRoom\(\) returned/,
            ),
          ]
        : [],
    );
  });

  it('is a 400 with one warning for each method when a function makes a name of a missing value', async () => {
    running.logger.clear();
    for (let n = 0; n < 3; n++) expect((await running.open('/mine')).status).toBe(400);
    expect(running.logger.complaints).toEqual([
      expect.objectContaining({
        level: 'warn',
        text: expect.stringMatching(/AskedController\.mine\(\).*"user\/undefined" has no value/),
      }),
    ]);
  });

  it("is a 400 when a template results in '*'", async () => {
    const answer = await running.open('/template/*');
    expect(answer.status).toBe(400);
    expect(running.sse.count()).toBe(0);
  });

  it.each([
    '/colon/7%3Anotes',
    '/colon/7:notes',
    '/colon/7%2Fnotes',
    '/dot/7.notes',
    '/dot/7%2enotes',
    '/pair/1-2/3',
  ])('is a 400 when a parameter contains a separator that stands beside it: %s', async (path) => {
    const answer = await running.open(path);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/which this request does not have, or has with .* in it/);
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it('may contain separators of other templates', async () => {
    for (const path of ['/colon/7.notes', '/dot/7%3Anotes', '/pair/1.2/3']) await running.listen(path);
    expect([...running.sse.rooms()].toSorted()).toEqual(['1.2-3', 'chat.7:notes', 'chat:7.notes']);
  });

  it('is an error status without the message when the function throws', async () => {
    const answer = await running.open('/throws');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(running.sse.count()).toBe(0);
  });
});

@Controller('lost')
class MissingParameterController {
  @Get('events')
  @SseRoom('orders/:nope')
  events(): void {}
}

@Controller('lost')
class MissingOnOnePathController {
  @Get([':nope/events', 'events'])
  @SseRoom('orders/:nope')
  events(): void {}
}

@SseRoom('orders/:nope')
@Controller('lost')
class MissingForTheClassController {
  @Get('events')
  @SseRoom()
  events(): void {}
}

@Controller('lost/:nope')
class ParameterOfTheControllerController {
  @Get('events')
  @SseRoom('orders/:nope')
  events(): void {}
}

describe.each(platforms)('a template on $name', (platform) => {
  it.each<[string, Type]>([
    ['its route', MissingParameterController],
    ['one of its routes', MissingOnOnePathController],
    ['the routes of its class', MissingForTheClassController],
  ])('with a parameter that %s lacks is refused at start-up, by name, or is a 400', async (_, controller) => {
    const start = platform.start(sseApp({ controllers: [controller] }));
    const running = await start.catch((error: Error) => error);
    if (running instanceof Error) {
      expect(running.message).toMatch(/nope/);
      expect(running.message).toMatch(/events/);
      return;
    }
    const answer = await running.open('/lost/events');
    await running.close();
    expect(answer.status).toBe(400);
  });

  it('may use a parameter of the controller path', async () => {
    const running = await platform.start(sseApp({ controllers: [ParameterOfTheControllerController] }));
    await running.listen('/lost/7/events');
    expect([...running.sse.rooms()]).toEqual(['orders/7']);
    await running.close();
  });

  it.each<[string | string[], RegExp]>([
    ['', /not empty/],
    ['*', /Every client is in "\*" already/],
    [['a', ''], /not empty/],
    ['orders/*', /contains "\*"/],
    ['orders/:id/undefined', /no value/],
    [':id:id', /":id:id", so that different parameters/],
    ['orders/{id}', /contains "\{id\}", which is no parameter/],
    [['a', 'orders/{id}/:id'], /"orders\/\{id\}\/:id" of WrongController\.wrong\(\)/],
  ])('written as %j in the decorator is refused at start-up, by name', async (room, reason) => {
    @Controller()
    class WrongController {
      @Get('wrong/:id')
      @SseRoom(room)
      wrong(): void {}
    }
    const { code, message } = await sseRefusal(() =>
      platform.start(sseApp({ controllers: [WrongController] })),
    );
    expect(code).toBe('invalid-room');
    expect(message).toContain('WrongController.wrong()');
    expect(message).toMatch(reason);
  });
});
