import {
  Controller,
  Get,
  Injectable,
  Post,
  Put,
  Redirect,
  Render,
  Res,
  Sse,
  type Type,
} from '@nestjs/common';
import { NEVER } from 'rxjs';
import {
  SseRoom,
  SseRoomChanges,
  type SseModuleOptions,
  type SseRoomChangesOptions,
} from 'nestjs-simple-sse';
import { express } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

@Controller()
class OnGet {
  @Get('rooms')
  @SseRoomChanges()
  rooms(): boolean {
    return true;
  }
}

@Controller()
class OnPut {
  @Put('rooms')
  @SseRoomChanges()
  rooms(): boolean {
    return true;
  }
}

@Controller()
class OnNoRoute {
  @SseRoomChanges()
  rooms(): boolean {
    return true;
  }
}

@Controller()
class BesideRoom {
  @Post('rooms')
  @SseRoomChanges()
  @SseRoom('news')
  rooms(): void {}
}

@Controller()
class AboveSse {
  @Sse('rooms')
  @SseRoomChanges()
  rooms(): unknown {
    return NEVER;
  }
}

@Controller()
class WithRedirect {
  @Post('rooms')
  @Redirect('/')
  @SseRoomChanges()
  rooms(): boolean {
    return true;
  }
}

@Controller()
class WithView {
  @Post('rooms')
  @SseRoomChanges()
  @Render('page')
  rooms(): boolean {
    return true;
  }
}

@Controller()
class WithResponse {
  @Post('rooms')
  @SseRoomChanges()
  rooms(@Res() response: object): boolean {
    return response !== undefined;
  }
}

@Injectable()
class OnProvider {
  @SseRoomChanges()
  rooms(): boolean {
    return true;
  }
}

@Controller()
class Plain {
  @Post('rooms')
  @SseRoomChanges()
  rooms(@Res({ passthrough: true }) response: object): boolean {
    return response !== undefined;
  }
}

@Controller()
class WithUser {
  @Post('rooms')
  @SseRoomChanges({ user: ({ user }: { user: string }) => user })
  rooms(): boolean {
    return true;
  }
}

const identify: SseModuleOptions['identify'] = () => ({ user: 'ann' });

async function start(
  controller: Type,
  options: SseModuleOptions = {},
  providers: Type[] = [],
): Promise<void> {
  const app = await express.start(sseApp({ controllers: [controller], providers, options }));
  await app.close();
}

describe('an application with @SseRoomChanges()', () => {
  it.each<[string, Type, string]>([
    ['on a GET', OnGet, 'OnGet.rooms() needs a POST route'],
    ['on a PUT', OnPut, 'OnPut.rooms() needs a POST route'],
    ['on a method that is no route', OnNoRoute, 'OnNoRoute.rooms() needs a route'],
    ['beside @SseRoom()', BesideRoom, 'BesideRoom.rooms() is beside @SseRoom() or @Sse()'],
    ['below @Sse()', AboveSse, 'AboveSse.rooms() is beside @SseRoom() or @Sse()'],
    ['beside @Redirect()', WithRedirect, 'WithRedirect.rooms() is beside @Redirect() or @Render()'],
    ['beside @Render()', WithView, 'WithView.rooms() is beside @Redirect() or @Render()'],
    ['on a method that takes its response', WithResponse, 'WithResponse.rooms() takes its response'],
  ])('is refused %s, by name', async (_name, controller, message) => {
    const error = await sseRefusal(() => start(controller));
    expect([error.code, error.message]).toEqual(['not-a-route', expect.stringContaining(message)]);
  });

  it('is refused on a provider, by name', async () => {
    const error = await sseRefusal(() => start(Plain, {}, [OnProvider]));
    expect([error.code, error.message]).toEqual([
      'not-a-route',
      expect.stringContaining('OnProvider.rooms() has no effect'),
    ]);
  });

  it('starts on a POST, also with a response that Nest answers', async () => {
    await start(Plain);
    await start(Plain, { identify });
    await start(WithUser, { identify });
    await start(WithUser, { tickets: {} });
  });

  it('is refused where the user of a request cannot be known, or compared with none', async () => {
    const unknown = await sseRefusal(() => start(Plain, { tickets: {} }));
    expect([unknown.code, unknown.message]).toEqual(['invalid-options', expect.stringContaining('"user"')]);
    const useless = await sseRefusal(() => start(WithUser));
    expect([useless.code, useless.message]).toEqual([
      'invalid-options',
      expect.stringContaining('no stream'),
    ]);
  });

  it('is refused with a broker that cannot reach the clients of other nodes', async () => {
    const error = await sseRefusal(() => start(Plain, { broker: new WrappedMemoryBroker() }));
    expect(error.code).toBe('unsupported-by-broker');
  });
});

it.each<[object, string]>([
  [{ maxRooms: 0 }, 'The option "maxRooms" of @SseRoomChanges() is a whole number from 1'],
  [{ timeoutMs: 0 }, 'The option "timeoutMs" of @SseRoomChanges() is a whole number from 1'],
  [{ replay: -1 }, 'The option "replay" of @SseRoomChanges() is'],
  [{ user: 'ann' }, 'The option "user" of @SseRoomChanges() is a function'],
  [{ maxroom: 5 }, '@SseRoomChanges() has no option "maxroom". Did you mean "maxRooms"?'],
  [{ constructor: 5 }, '@SseRoomChanges() has no option "constructor".'],
])('@SseRoomChanges(%j) is refused when it is written', async (options, message) => {
  const error = await sseRefusal(() => SseRoomChanges(unchecked<SseRoomChangesOptions>(options)));
  expect([error.code, error.message]).toEqual(['invalid-options', expect.stringContaining(message)]);
});

it('@SseRoomChanges() is refused on a class and on a property', async () => {
  const onClass = await sseRefusal(() => unchecked<ClassDecorator>(SseRoomChanges())(Plain));
  const onProperty = await sseRefusal(() =>
    SseRoomChanges()({}, 'rooms', unchecked<PropertyDescriptor>(undefined)),
  );
  expect([onClass.code, onProperty.code]).toEqual(['not-a-route', 'not-a-route']);
});
