import {
  Controller,
  Get,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Scope,
  Sse,
  SseSignal,
  Version,
  VersioningType,
  type Type,
} from '@nestjs/common';
import { ConnectedClient, LastEventId, SseClient, SseRoom } from 'nestjs-simple-sse';
import { of, type Observable } from 'rxjs';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

const seen = {
  client: undefined as SseClient | undefined,
  lastEventId: 'not asked' as string | undefined,
  signal: undefined as AbortSignal | undefined,
  args: [] as unknown[],
  instances: 0,
};

@Controller('plain')
class RoutesController {
  @Get('client/:id')
  @SseRoom('orders/:id')
  client(@ConnectedClient() client: SseClient): void {
    seen.client = client;
  }

  @Get('retry')
  @SseRoom()
  retry(@ConnectedClient() client: SseClient): Observable<string> {
    client.setRetry(5_000);
    return of('first');
  }

  @SseRoom(undefined, { endOnComplete: false })
  @Get('early')
  early(@ConnectedClient() client: SseClient): void {
    client.setRetry(4_000);
    client.send('hello', 'sent before the stream opened');
    void client.join('lobby');
  }

  @Get('last-event-id')
  @SseRoom()
  lastEventId(@LastEventId() id: string | undefined): void {
    seen.lastEventId = id;
  }

  @Get('signal')
  @SseRoom('signalled')
  signal(@SseSignal() signal: AbortSignal, @ConnectedClient() client: SseClient): void {
    seen.signal = signal;
    seen.client = client;
  }

  @Get('rest/:id')
  @SseRoom()
  rest(@Param('id', ParseIntPipe) id: number, ...others: unknown[]): void {
    seen.args = [id, others.length];
  }

  @SseRoom()
  @Get('default/:id')
  byDefault(@Param('id') id: string, @Query('page') page = 1, unasked = 'default'): void {
    seen.args = [id, page, unasked];
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  private readonly instance = ++seen.instances;

  @Get(':id')
  @SseRoom('scoped/:id')
  events(@ConnectedClient() client: SseClient): void {
    client.send('instance', this.instance);
  }
}

@Controller({ path: 'versioned', version: '1' })
class VersionedController {
  @Get(':id')
  @SseRoom('v1/:id')
  one(): void {}

  @Version('2')
  @SseRoom('v2/:id')
  @Get(':id')
  two(): void {}
}

const everyController = { controllers: [RoutesController, ScopedController, VersionedController] };

describe.each(allPlatforms)('an ordinary Nest route on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(sseApp(everyController), {
      configure: (app) => {
        app.setGlobalPrefix('api/:region');
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  const listen = (path: string, headers: Record<string, string> = {}) =>
    running.listen(`/api/eu${path}`, { headers });

  it('hands the client of this very request to @ConnectedClient()', async () => {
    await listen('/plain/client/7', { 'last-event-id': 'from-a-browser' });
    const client = seen.client;
    expect(client).toBeInstanceOf(SseClient);
    expect([...running.sse.clients()]).toEqual([client]);
    expect([...(client?.rooms ?? [])]).toEqual(['orders/7']);
    expect(client?.in('orders/7')).toBe(true);
    expect(client?.lastEventId).toBe('from-a-browser');
    expect(client?.request).toMatchObject({ params: { id: '7' } });
    expect(client?.id).toEqual(expect.stringMatching(/./));
  });

  it('lets the handler use setRetry before the stream opens', async () => {
    const stream = await listen('/plain/retry');
    expect(await stream.nextEvent()).toMatchObject({ event: 'message', data: 'first' });
    expect(stream.retries.at(-1)).toBe(5_000);
  });

  it('lets the handler send and join before the stream opens', async () => {
    const stream = await listen('/plain/early');
    expect(await stream.nextEvent()).toMatchObject({ event: 'hello', data: 'sent before the stream opened' });
    await stream.receivedRetry(4_000);
    await eventually(() => running.sse.count('lobby') === 1, 'the client in its room');
    await running.sse.broadcast('lobby', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live', data: '1' });
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    ['the raw header', { 'last-event-id': '3f-12' }, '3f-12'],
    ['undefined without one', {}, undefined],
  ])('hands %s to @LastEventId()', async (_what, headers, id) => {
    await listen('/plain/last-event-id', headers);
    expect(seen.lastEventId).toBe(id);
  });

  it("aborts Nest's @SseSignal() and the client's own signal on disconnect", async () => {
    const stream = await listen('/plain/signal');
    expect([seen.signal?.aborted, seen.client?.signal.aborted]).toEqual([false, false]);
    stream.close();
    await eventually(() => seen.signal?.aborted, 'the signal of @SseSignal()');
    expect(seen.client?.signal.aborted).toBe(true);
    expect(await seen.client?.closed).toBe('client-gone');
  });

  it('leaves rest parameters and defaults as the handler wrote them', async () => {
    await listen('/plain/rest/7');
    expect(seen.args).toEqual([7, 0]);
    await listen('/plain/default/7');
    expect(seen.args).toEqual(['7', 1, 'default']);
    await listen('/plain/default/7?page=3');
    expect(seen.args).toEqual(['7', '3', 'default']);
  });

  it('makes a request-scoped controller for each stream', async () => {
    const [first, second] = [await listen('/scoped/1'), await listen('/scoped/2')];
    const instances = [await first.nextEvent(), await second.nextEvent()].map(({ data }) => Number(data));
    expect(instances[1]).not.toBe(instances[0]);
    expect([...running.sse.rooms()].toSorted()).toEqual(['scoped/1', 'scoped/2']);
  });

  it('keeps versions apart', async () => {
    await running.listen('/api/eu/v1/versioned/7');
    await running.listen('/api/eu/v2/versioned/7');
    expect([...running.sse.rooms()].toSorted()).toEqual(['v1/7', 'v2/7']);
  });
});

@Controller()
class SseBelowController {
  @SseRoom('orders/:id')
  @Sse('orders/:id')
  events(): Observable<string> {
    return of('first');
  }
}

@Controller()
class SseAboveController {
  @Sse('orders/:id')
  @SseRoom('orders/:id')
  events(): Observable<string> {
    return of('first');
  }
}

@Controller()
class SseAndPostController {
  @Sse('orders/:id')
  @SseRoom('orders/:id')
  @Post('orders/:id')
  events(): Observable<string> {
    return of('first');
  }
}

describe.each(platforms)("Nest's own @Sse() on the same method on $name", (platform) => {
  it.each<[string, Type]>([
    ['below', SseBelowController],
    ['above', SseAboveController],
    ['above, with another route decorator,', SseAndPostController],
  ])('%s is taken over whole, or refused at start-up by name', async (_where, controller) => {
    const start = platform.start(sseApp({ controllers: [controller] }));
    const running = await start.catch((error: Error) => error);
    if (running instanceof Error) {
      expect(running.message).toMatch(/events/);
      expect(running.message).toContain(controller.name);
      expect(running.message).toContain('@Sse(');
      return;
    }
    const stream = await running.listen('/orders/7');
    expect(await stream.nextEvent()).toEqual({ event: 'message', data: 'first', id: undefined });
    expect([...running.sse.rooms()]).toEqual(['orders/7']);
    await running.sse.broadcast('orders/7', 'paid', true);
    expect(await stream.nextEvent()).toMatchObject({ event: 'paid', data: 'true' });
    await running.disconnectAll();
    await running.close();
  });
});
