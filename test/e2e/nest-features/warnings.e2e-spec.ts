import {
  Controller,
  Get,
  Injectable,
  Post,
  RequestMethod,
  Res,
  Sse,
  UseInterceptors,
  ValidationPipe,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { map, of, type Observable } from 'rxjs';
import { platforms } from '../../support/platforms.js';
import { sseApp } from '../../support/sse-app.js';

@Injectable()
class Doubling implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => `${String(value)}${String(value)}`));
  }
}

@Controller()
class OwnResponseController {
  @Get('own')
  @SseRoom()
  own(@Res() _response: object): void {}
}

@Controller()
class PassthroughController {
  @Get('passthrough')
  @SseRoom()
  passthrough(@Res({ passthrough: true }) _response: object): void {}
}

@Controller()
@UseInterceptors(Doubling)
class OnClassController {
  @Sse('class')
  @SseRoom()
  events(): unknown {
    return of('a');
  }
}

@Controller()
class BelowController {
  @Sse('below')
  @SseRoom()
  @UseInterceptors(new Doubling())
  events(): unknown {
    return of('a');
  }
}

@Controller()
class AboveController {
  @Sse('above')
  @UseInterceptors(Doubling)
  @SseRoom()
  events(): unknown {
    return of('a');
  }
}

@Controller()
@UseInterceptors(Doubling)
class WithoutSseController {
  @Get('without')
  @SseRoom()
  events(): unknown {
    return of('a');
  }
}

@Controller()
class ClientController {
  @Get('client')
  @SseRoom()
  events(@ConnectedClient() client: SseClient): void {
    client.send('id', client.id);
  }

  @Post('posted')
  @SseRoom()
  posted(): void {}
}

describe.each(platforms)('at start-up on $name', (platform) => {
  async function warningsOf(
    controller: Type,
    configure?: Parameters<typeof platform.start>[1],
  ): Promise<string[]> {
    const running = await platform.start(sseApp({ controllers: [controller] }), configure);
    await running.close();
    return running.logger.complaints.map(({ text }) => text);
  }

  it('a handler with @Res() without passthrough is warned of by name', async () => {
    expect(await warningsOf(OwnResponseController)).toEqual([
      expect.stringMatching(
        /^OwnResponseController\.own\(\) has @SseRoom\(\) and @Res\(\).*passthrough: true/,
      ),
    ]);
    expect(await warningsOf(PassthroughController)).toEqual([]);
  });

  it.each<[string, Type]>([
    ['the controller', OnClassController],
    ['the method, below @SseRoom()', BelowController],
  ])('@Sse() beside @SseRoom() with an interceptor on %s is warned of by name', async (_, controller) => {
    expect(await warningsOf(controller)).toEqual([
      expect.stringMatching(/Controller\.events\(\) has @Sse\(\) and @SseRoom\(\).*through Doubling\./),
    ]);
  });

  it('@Sse() beside @SseRoom() with a global interceptor is warned of by name', async () => {
    const configure = {
      configure: (app: { useGlobalInterceptors(of: NestInterceptor): unknown }) =>
        app.useGlobalInterceptors(new Doubling()),
    };
    expect(await warningsOf(AboveController, configure)).toEqual([
      expect.stringContaining('through Doubling.'),
    ]);
  });

  it.each<[string, Type]>([
    ['an interceptor above @SseRoom(), which maps values', AboveController],
    ['an interceptor without @Sse()', WithoutSseController],
  ])('there is no warning of %s', async (_, controller) => {
    expect(await warningsOf(controller)).toEqual([]);
  });

  it('the metadata of every stream has the status 200, as documents of an API describe it', async () => {
    await warningsOf(ClientController);
    const posted = Object.getOwnPropertyDescriptor(ClientController.prototype, 'posted')?.value as object;
    expect(Reflect.getMetadata('__httpCode__', posted)).toBe(200);
    expect(Reflect.getMetadata('method', posted)).toBe(RequestMethod.POST);
  });

  it('@ConnectedClient() works under a ValidationPipe that validates custom decorators', async () => {
    const running = await platform.start(sseApp({ controllers: [ClientController] }), {
      configure: (app) =>
        app.useGlobalPipes(new ValidationPipe({ validateCustomDecorators: true, transform: true })),
    });
    const stream = await running.listen('/client');
    expect(await stream.nextEvent()).toMatchObject({ event: 'id', data: expect.any(String) as string });
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });
});
