import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  UseInterceptors,
  type ArgumentMetadata,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import type { RunningApp } from '../support/running-app.js';

const transformerPackage = {
  classToPlain: (value: object) => ({ ...value }),
  plainToClass: (_type: unknown, value: unknown) => value,
  plainToInstance: (_type: unknown, value: unknown) => value,
};

class OwnSerializer extends ClassSerializerInterceptor {
  constructor() {
    super(new Reflector(), unchecked({ transformerPackage }));
  }
}

@Controller()
class OnMethodController {
  @Get('method')
  @UseInterceptors(new OwnSerializer())
  @SseRoom('users')
  events(): void {}
}

@Controller()
@UseInterceptors(OwnSerializer)
class OnClassController {
  @Get('class')
  @SseRoom('users')
  events(): void {}
}

@Controller()
class WithoutController {
  @Get('without')
  @SseRoom('users')
  events(): void {}

  @Get('plain')
  @UseInterceptors(OwnSerializer)
  plain(): void {}
}

/** Like `ValidationPipe` with `validateCustomDecorators` and `transform`: constructs the type of a parameter. */
class ConstructingPipe implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    if (metatype === undefined || [Object, String, Number].includes(metatype as never)) return value;
    return Object.assign(new metatype() as object, value);
  }
}

@Controller()
class ClientController {
  @Get('client')
  @SseRoom('room')
  events(@ConnectedClient() client: SseClient): void {
    client.send('own', client instanceof SseClient);
  }
}

describe.each(platforms)('features of Nest on $name', (platform) => {
  let running: RunningApp | undefined;

  afterEach(() => running?.close());

  const warnings = (): string[] =>
    (running as RunningApp).logger.complaints
      .map(({ text }) => text)
      .filter((text) => text.includes('ClassSerializerInterceptor'));

  it.each<[string, Type]>([
    ['OnMethodController', OnMethodController],
    ['OnClassController', OnClassController],
  ])('ClassSerializerInterceptor is named at start-up with the cure: %s', async (name, controller) => {
    running = await platform.start(sseApp({ controllers: [controller, WithoutController] }));
    expect(warnings()).toEqual([expect.stringContaining(`of ${name}.events() does not reach events`)]);
    expect(warnings()[0]).toContain('JSON.stringify(instanceToPlain(data))');
  });

  it('ClassSerializerInterceptor as APP_INTERCEPTOR is named at start-up', async () => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: OwnSerializer }];
    running = await platform.start(sseApp({ controllers: [WithoutController], providers }));
    expect(warnings()).toEqual([expect.stringContaining('The global ClassSerializerInterceptor')]);
  });

  it('ClassSerializerInterceptor is no concern with a serialize option, or on other routes', async () => {
    running = await platform.start(
      sseApp({
        controllers: [OnMethodController, OnClassController],
        options: { serialize: (data) => JSON.stringify(data) },
      }),
    );
    expect(warnings()).toEqual([]);
    await running.close();
    running = await platform.start(sseApp({ controllers: [WithoutController] }));
    expect(warnings()).toEqual([]);
  });

  it('a pipe that constructs the type of a parameter leaves @ConnectedClient() alone', async () => {
    running = await platform.start(sseApp({ controllers: [ClientController] }), {
      configure: (app) => app.useGlobalPipes(new ConstructingPipe()),
    });
    const stream = await running.listen('/client');
    expect(await stream.nextEvent()).toMatchObject({ event: 'own', data: 'true' });
  });
});
