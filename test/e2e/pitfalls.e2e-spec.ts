import {
  applyDecorators,
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  Post,
  Query,
  Req,
  Res,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ConnectedClient, SseClient, SseModule, SseRoom } from 'nestjs-simple-sse';
import { isObservable, NEVER, of, type Observable } from 'rxjs';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import type { IncomingMessage } from 'node:http';
import type { RunningApp } from '../support/running-app.js';

let seen: unknown[] = [];

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    seen = [handler.name, this.reflector.get<string>('above', handler), this.reflector.get('below', handler)];
    return this.reflector.get<string>('below', handler) !== 'refused';
  }
}

interface SettableResponse {
  setHeader?(name: string, value: string | string[]): void;
  header?(name: string, value: string | string[]): void;
}

/** Sets a header: Fastify's reply has `header`, Express's response `setHeader`. */
function setHeader(response: SettableResponse, name: string, value: string | string[]): void {
  if (response.setHeader) response.setHeader(name, value);
  else response.header?.(name, value);
}

const OrderStream = (room: string) =>
  applyDecorators(
    Get('composed/:id'),
    SseRoom(room),
    UseGuards(RolesGuard),
    SetMetadata('below', 'composed'),
  );

@Controller()
class PitfallController {
  @SetMetadata('above', 'a')
  @SseRoom('lobby')
  @SetMetadata('below', 'b')
  @UseGuards(RolesGuard)
  @Get('metadata')
  metadata(): void {}

  @OrderStream('orders/:id')
  composed(): void {}

  @Get('every/:argument')
  @SseRoom('lobby')
  everyArgument(
    @Query('q') q: string,
    unannotated: unknown,
    @Param('argument') argument: string,
    @Req() request: { url: string },
    @ConnectedClient() client: SseClient,
  ): void {
    seen = [q, unannotated, argument, request.url, client instanceof SseClient, arguments.length];
  }

  @Get('passthrough')
  @SseRoom('lobby')
  passthrough(@Res({ passthrough: true }) response: SettableResponse): void {
    setHeader(response, 'X-Passthrough', 'set');
  }

  @SseRoom('lobby')
  @Get('own-response')
  ownResponse(@Param() params: object, @Res() response: SettableResponse): Observable<string> {
    setHeader(response, 'Content-Length', '3');
    return of(JSON.stringify(params));
  }

  @Get('cookies')
  @SseRoom('lobby')
  cookies(@Res({ passthrough: true }) response: SettableResponse): void {
    setHeader(response, 'Set-Cookie', ['session=1; HttpOnly', 'theme=dark']);
  }

  @Get('no-ids')
  @SseRoom()
  noIds(): Observable<string> {
    return of('a', 'b');
  }

  @Post('prompt')
  @SseRoom('lobby')
  prompt(@Body() body: { prompt: string }, @Req() request: IncomingMessage): Observable<string> {
    // The body is read by now, so 'close' of the request does not mean that the client has disconnected.
    seen = [request.constructor.name];
    return of(`received ${body.prompt}`);
  }
}

@Controller('other')
class OtherController {
  @Get('room')
  @SseRoom('lobby')
  room(): void {}
}

@Module({ controllers: [OtherController] })
class OtherModule {}

describe.each(allPlatforms)('a route that owns its response on $name:', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(
      sseApp({
        controllers: [PitfallController],
        imports: [OtherModule],
        options: { heartbeatIntervalMs: 30 },
      }),
    );
  });
  beforeEach(() => (seen = []));
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it('metadata above and below the decorator, and the name of the handler, are preserved', async () => {
    await running.listen('/metadata');
    expect(seen).toEqual(['metadata', 'a', 'b']);
  });

  it('applyDecorators composes @SseRoom() with others', async () => {
    await running.listen('/composed/7');
    expect(seen).toEqual(['composed', undefined, 'composed']);
    expect([...running.sse.rooms()]).toEqual(['orders/7']);
  });

  it('the handler sees exactly its own arguments', async () => {
    await running.listen('/every/x?q=1');
    expect(seen).toEqual(['1', undefined, 'x', '/every/x?q=1', true, 5]);
  });

  it('headers set through @Res({ passthrough: true }) are sent, and Nest does not answer a second time', async () => {
    const stream = await running.listen('/passthrough');
    expect(stream.headers['x-passthrough']).toBe('set');
    await running.sse.broadcast('lobby', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
    expect(running.logger.complaints.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^PitfallController\.ownResponse\(\) has @SseRoom\(\) and @Res\(\)/),
    ]);
  });

  it('@Res() without passthrough opens a stream as well, and drops a Content-Length', async () => {
    const stream = await running.listen('/own-response');
    expect(stream.headers['content-length']).toBeUndefined();
    expect(await stream.nextEvent()).toMatchObject({ data: '{}' });
    await running.sse.broadcast('lobby', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
  });

  it('each Set-Cookie header of the response is sent', async () => {
    const stream = await running.listen('/cookies');
    expect(stream.headers['set-cookie']).toEqual(['session=1; HttpOnly', 'theme=dark']);
  });

  it('no id is invented where there is nothing to resume', async () => {
    const stream = await running.listen('/no-ids');
    expect((await stream.eventsUntilEnd()).map(({ id }) => id)).toEqual([undefined, undefined]);
    expect(stream.rawText).not.toMatch(/^id/m);
  });

  it('all modules share one hub', async () => {
    const [here, there] = [await running.listen('/metadata'), await running.listen('/other/room')];
    await running.sse.broadcast('lobby', 'live', 1);
    for (const stream of [here, there]) expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
  });

  it('a POST whose body was parsed stays open', async () => {
    const stream = await running.listen('/prompt', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"prompt":"hello"}',
    });
    expect(await stream.nextEvent()).toMatchObject({ data: 'received hello' });
    await stream.receivedComments(2);
    await running.sse.broadcast('lobby', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
  });

  it('large events arrive whole, also when the socket is full', async () => {
    const stream = await running.listen('/metadata');
    const sent: string[] = [];
    const received: string[] = [];
    for (let n = 0; n < 20; n++) {
      sent.push(`${n}\n${'zürich '.repeat(50_000)}`);
      await running.sse.broadcast('lobby', sent[n]);
      // Reads two at a time: more would exceed maxQueuedBytes for a client that has not read the first.
      if (n % 2 === 1) received.push(...(await stream.nextEvents(2)).map(({ data }) => data));
    }
    expect(received).toEqual(sent);
  });
});

@Controller()
class UnitController {
  @SseRoom('orders/:id')
  @Get(':id')
  events(id: string): Observable<string> {
    return id === '0' ? NEVER : of(`order ${id}`);
  }
}

describe('a handler called directly, as in a unit test', () => {
  it('returns its own value, without the module', async () => {
    const result = new UnitController().events('7');
    expect(isObservable(result)).toBe(true);
    const values: string[] = [];
    result.subscribe((value) => values.push(value));
    expect(values).toEqual(['order 7']);
    const { value } = Object.getOwnPropertyDescriptor(UnitController.prototype, 'events') ?? {};
    expect([value.name, value.length]).toEqual(['events', 1]);
  });
});

describe.each(platforms)('isGlobal: false in two modules on $name', (platform) => {
  it('shares one hub when the dynamic module is the same', async () => {
    const shared = SseModule.forRoot({ isGlobal: false });

    @Module({ imports: [shared], controllers: [OtherController] })
    class FirstModule {}

    @Module({ imports: [shared, FirstModule], controllers: [PitfallController] })
    class SecondModule {}

    const running = await platform.start(SecondModule);
    const streams = [await running.listen('/metadata'), await running.listen('/other/room')];
    await running.sse.broadcast('lobby', 'live', 1);
    for (const stream of streams) expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
    await running.close();
  });
});
