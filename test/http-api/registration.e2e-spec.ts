import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  SetMetadata,
  UnauthorizedException,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { SseRoom } from 'nestjs-simple-sse';
import {
  SseHttpApiModule,
  type SseHttpApiOptions,
  type SseHttpApiRouteOptions,
} from 'nestjs-simple-sse/http-api';
import { allPlatforms, express, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

const KEY = 'k'.repeat(32);
const EVENT = { rooms: 'orders/7', data: 1 };

@Controller()
class StreamController {
  @Get('stream')
  @SseRoom('orders/7')
  stream(): void {}
}

@Injectable()
class Sessions {
  readonly valid = 'session=1';
}

@Module({ providers: [Sessions], exports: [Sessions] })
class SessionsModule {}

@Injectable()
class SessionGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
    if (headers.cookie === undefined) throw new UnauthorizedException();
    if (headers.cookie !== this.sessions.valid) throw new ForbiddenException();
    return true;
  }
}

const Public = (): ClassDecorator => SetMetadata('public', true);

/** Denies every route that is not public, as the global guard of many applications. */
@Injectable()
class GlobalGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    return this.reflector.get<boolean | undefined>('public', context.getClass()) === true;
  }
}

let running: RunningApp | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const app = (module: DynamicModule | typeof SseHttpApiModule): ReturnType<typeof sseApp> =>
  sseApp({ controllers: [StreamController], imports: [module] });

/** An application whose global guard denies every route that is not public. */
function guarded(options: Partial<SseHttpApiRouteOptions>): ReturnType<typeof sseApp> {
  return sseApp({
    imports: [SseHttpApiModule.forRoot({ keys: [KEY], ...options })],
    providers: [{ provide: APP_GUARD, useClass: GlobalGuard }],
  });
}

async function statusOf(
  headers: Record<string, string>,
  path = '/sse/publish',
  body: unknown = EVENT,
): Promise<number> {
  const { status } = await fetch(`${running?.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return status;
}

const withKey = { authorization: `Bearer ${KEY}` };

describe.each(platforms)('SseHttpApiModule on $name', (platform) => {
  it('lets the guards of the application decide, with providers of the modules that it imports', async () => {
    running = await platform.start(
      app(SseHttpApiModule.forRoot({ guards: [SessionGuard], imports: [SessionsModule] })),
    );
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ cookie: 'session=2' })).toBe(403);
    expect(await statusOf({ cookie: 'session=1' })).toBe(200);
    // A form of a foreign page would carry the cookie.
    expect(await statusOf({ cookie: 'session=1', 'content-type': 'text/plain' })).toBe(415);
  });

  it('asks for the key and the guards, where both are given', async () => {
    running = await platform.start(
      app(SseHttpApiModule.forRoot({ keys: [KEY], guards: [SessionGuard], imports: [SessionsModule] })),
    );
    expect(await statusOf(withKey)).toBe(401);
    expect(await statusOf({ cookie: 'session=1' })).toBe(401);
    expect(await statusOf({ ...withKey, cookie: 'session=1' })).toBe(200);
  });

  it('takes its options from a factory, and its path beside it', async () => {
    running = await platform.start(
      app(
        SseHttpApiModule.forRootAsync({
          path: 'events',
          imports: [SessionsModule],
          inject: [Sessions],
          useFactory: ({ valid }: Sessions) => Promise.resolve({ keys: [KEY], maxBatch: valid.length }),
        }),
      ),
    );
    expect(await statusOf(withKey, '/events/publish')).toBe(200);
    const tooMany = { events: Array.from({ length: 10 }, () => EVENT) };
    expect(await statusOf(withKey, '/events/publish', tooMany)).toBe(413);
  });

  it('may be registered twice, at two paths with keys of their own', async () => {
    const other = 'o'.repeat(32);
    running = await platform.start(
      sseApp({
        imports: [
          SseHttpApiModule.forRoot({ keys: [KEY] }),
          SseHttpApiModule.forRoot({ path: 'other', keys: [other] }),
        ],
      }),
    );
    expect(await statusOf(withKey)).toBe(200);
    expect(await statusOf(withKey, '/other/publish')).toBe(401);
    expect(await statusOf({ authorization: `Bearer ${other}` }, '/other/publish')).toBe(200);
  });

  it('takes decorators that exempt it from a global guard of the application', async () => {
    running = await platform.start(guarded({}));
    expect(await statusOf(withKey)).toBe(403);
    await running.close();
    running = await platform.start(guarded({ decorators: [Public()] }));
    expect(await statusOf(withKey)).toBe(200);
    expect(await statusOf({})).toBe(401);
  });
});

it.each(allPlatforms)('publishes to the clients of $name', async (platform) => {
  running = await platform.start(app(SseHttpApiModule.forRoot({ keys: [KEY] })));
  const stream = await running.listen('/stream');
  const answer = await running.open('/sse/publish', {
    method: 'POST',
    headers: { ...withKey, 'content-type': 'application/json' },
    body: JSON.stringify(EVENT),
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ position: (await stream.nextEvent()).id });
});

describe('SseHttpApiModule refuses to start', () => {
  it.each<[string, unknown, string]>([
    ['without keys and guards', {}, 'needs the option "keys" or "guards"'],
    ['with no key and no guard', { keys: [], guards: [] }, 'needs the option "keys" or "guards"'],
    [
      'with a key of 31 characters',
      { keys: ['s3cret-s3cret-s3cret-s3cret-123'] },
      'at least 32 characters, not 31',
    ],
    ['with an empty key', { keys: [''] }, 'at least 32 characters, not 0'],
    ['with a missing key', { keys: [undefined] }, 'keys[0]'],
    ['with a key that a header cannot carry', { keys: ['s3cret '.repeat(5)] }, 'letters, digits'],
    ['with one key twice', { keys: [KEY, { key: KEY, rooms: ['a'] }] }, 'the same key twice'],
    ['with a key for no rooms', { keys: [{ key: KEY, rooms: [] }] }, 'keys[0].rooms'],
    ['with an unknown option of a key', { keys: [{ key: KEY, room: 'a' }] }, 'Did you mean "rooms"'],
    ['with keys that are no list', { keys: KEY }, '"keys" a list of keys'],
    ['with a batch of nothing', { keys: [KEY], maxBatch: 0 }, '"maxBatch" a whole number'],
    ['with a limit that is no number', { keys: [KEY], maxBodyBytes: '1mb' }, '"maxBodyBytes" a whole number'],
    ['with an unknown option', { keys: [KEY], maxBatches: 1 }, 'Did you mean "maxBatch"'],
  ])('%s, and names the option, never the key', async (_name, options, text) => {
    const given = unchecked<SseHttpApiOptions>(options);
    const error = await sseRefusal(() => express.start(app(SseHttpApiModule.forRoot(given))));
    expect(error.code).toBe('invalid-options');
    expect(error.message).toContain(text);
    expect(error.message).not.toMatch(/s3cret|kkkk/);
  });

  it('as a bare import', async () => {
    const error = await sseRefusal(() => express.start(app(SseHttpApiModule)));
    expect(error.message).toContain('needs the option "keys" or "guards"');
  });
});
