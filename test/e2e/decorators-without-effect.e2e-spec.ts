import { Controller, Get, Injectable, Redirect, UseInterceptors, type Type } from '@nestjs/common';
import {
  ConnectedClient,
  SseInterceptor,
  SseRoom,
  type SseClient,
  type SseRoomOptions,
} from 'nestjs-simple-sse';
import { of, type Observable } from 'rxjs';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import type { RunningApp } from '../support/running-app.js';

@Injectable()
class MethodProvider {
  @Get()
  @SseRoom('room')
  events(): void {}
}

@SseRoom('room')
@Controller('rooms')
class ClassController {
  @Get()
  plain(): void {}
}

@Controller('alone')
class AloneController {
  @Get()
  @UseInterceptors(SseInterceptor)
  events(): void {}
}

@Controller('client')
class ClientController {
  @Get()
  plain(@ConnectedClient() _client: SseClient): void {}
}

@Controller('redirect')
class RedirectController {
  @Get()
  @Redirect('/elsewhere')
  @SseRoom('room')
  events(): void {}
}

@Controller('/files')
class WildcardController {
  @Get('*path')
  @SseRoom('files/:path')
  events(): void {}
}

@Controller('orders')
class WrongParameterController {
  @Get(':id/e')
  @SseRoom('orders/:order')
  events(): void {}
}

describe.each(platforms)('a decorator without effect is refused by name at start-up on $name', (platform) => {
  it.each<[string, string, Type]>([
    ['MethodProvider.events()', 'not-a-route', MethodProvider],
    ['ClassController', 'not-a-route', ClassController],
    ['AloneController.events()', 'not-a-route', AloneController],
    ['ClientController.plain()', 'not-a-route', ClientController],
    ['RedirectController.events()', 'not-a-route', RedirectController],
    ['"/files/*path" and may contain slashes', 'unknown-route-parameter', WildcardController],
    ['"/orders/:id/e"', 'unknown-route-parameter', WrongParameterController],
  ])('%s', async (name, code, type) => {
    // Fastify refuses a wildcard with a name by itself.
    if (type === WildcardController && platform.framework === 'fastify') return;
    const metadata = type === MethodProvider ? { providers: [type] } : { controllers: [type] };
    let running: RunningApp | undefined;
    const error = await sseRefusal(async () => {
      running = await platform.start(sseApp(metadata));
    });
    await running?.close();
    expect(error.code).toBe(code);
    expect(error.message).toContain(name);
  });
});

it('an unknown option of @SseRoom is refused with the nearest name', async () => {
  const error = await sseRefusal(() => SseRoom('room', unchecked<SseRoomOptions>({ openOnFirst: true })));
  expect(error).toMatchObject({
    code: 'invalid-options',
    message: expect.stringContaining('Did you mean "openOnFirstEvent"?') as unknown,
  });
});

const twice = (upper: SseRoomOptions, lower: SseRoomOptions) => () => {
  class OrdersController {
    @SseRoom('audit', upper)
    @Get()
    @SseRoom('orders', lower)
    events(): void {}
  }
  return OrdersController;
};

describe('two @SseRoom', () => {
  it.each<[string, SseRoomOptions, SseRoomOptions]>([
    ['"retryMs" to 100 and 200', { retryMs: 100 }, { retryMs: 200 }],
    ['"retryMs" to false and 0', { retryMs: false }, { retryMs: 0 }],
    ['"endOnComplete" to true and false', { endOnComplete: true }, { endOnComplete: false }],
    [`"replay" to 'all' and { perEventName: 1 }`, { replay: 'all' }, { replay: { perEventName: 1 } }],
    ['"openOnFirstEvent" to false and true', { openOnFirstEvent: false }, { openOnFirstEvent: true }],
  ])('of one method that contradict each other are refused by name: %s', async (text, upper, lower) => {
    const error = await sseRefusal(twice(upper, lower));
    expect(error.code).toBe('invalid-options');
    expect(error.message).toContain('Two @SseRoom() of events set');
    expect(error.message).toContain(text);
  });

  it('of one class that contradict each other are refused by name', async () => {
    const error = await sseRefusal(() => {
      @SseRoom('shops', { retryMs: 1 })
      @SseRoom('audit', { retryMs: 2 })
      class ShopController {}
      return ShopController;
    });
    expect(error).toMatchObject({ code: 'invalid-options' });
    expect(error.message).toContain('ShopController');
  });

  it('that give one option the same value, or different options, are accepted', () => {
    twice({ retryMs: 100 }, { retryMs: 100 })();
    twice({ retryMs: 100 }, { endOnComplete: true })();
    twice(unchecked<SseRoomOptions>({ retryMs: undefined }), { retryMs: 100 })();
  });
});

@SseRoom('shop', { retryMs: 11, endOnComplete: true })
@Controller('merged')
class MergedController {
  @SseRoom('audit', { retryMs: 22 })
  @Get('method')
  @SseRoom('orders', { openOnFirstEvent: true })
  method(): Observable<number> {
    return of(1);
  }

  @SseRoom('audit', unchecked<SseRoomOptions>({ retryMs: undefined }))
  @Get('controller')
  controller(): Observable<number> {
    return of(1);
  }
}

describe.each(platforms)('options of several @SseRoom on $name', (platform) => {
  let running: RunningApp;
  beforeAll(async () => void (running = await platform.start(sseApp({ controllers: [MergedController] }))));
  afterAll(() => running?.close());

  it.each([
    ['method', 22],
    ['controller', 11],
  ])('add up, and those of the method override those of the controller: %s', async (path, retryMs) => {
    const stream = await running.listen(`/merged/${path}`);
    // The controller's `endOnComplete` ends the stream, although its client is in rooms.
    expect(await stream.eventsUntilEnd()).toMatchObject([{ data: '1' }]);
    expect(stream.retries).toEqual([retryMs]);
  });
});
