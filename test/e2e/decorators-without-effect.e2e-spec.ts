import { Controller, Get, Injectable, Redirect, UseInterceptors, type Type } from '@nestjs/common';
import { ConnectedClient, SseInterceptor, SseRoom, type SseClient } from 'nestjs-simple-sse';
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
  const error = await sseRefusal(() => SseRoom('room', unchecked({ openOnFirst: true })));
  expect(error).toMatchObject({
    code: 'invalid-options',
    message: expect.stringContaining('Did you mean "openOnFirstEvent"?') as unknown,
  });
});
