import { All, Controller, Get, Post } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { interval } from 'rxjs';
import { allPlatforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import type { Observable } from 'rxjs';
import type { RunningApp } from '../support/running-app.js';

@Controller('orders')
class OrdersController {
  @Get(':id/below')
  @SseRoom('orders/:id')
  below(): void {}

  @SseRoom('orders/:id')
  @Get(':id/above')
  above(): void {}

  @Get(':id/list')
  @SseRoom(['orders/:id', 'audit'])
  list(): void {}

  @SseRoom('audit')
  @Get(':id/repeated')
  @SseRoom('orders/:id')
  repeated(): void {}

  @Get(':shop/:id/two-parameters')
  @SseRoom('shops/:shop/orders/:id')
  twoParameters(): void {}

  @Get('asked')
  @SseRoom((request: { headers: Record<string, unknown> }) => String(request.headers['x-room']).split(' '))
  asked(): void {}

  @Get('number')
  @SseRoom(() => 0)
  number(): void {}

  @Get('nowhere')
  @SseRoom(() => [])
  nowhere(): void {}

  @Get('plain')
  @SseRoom()
  plain(): void {}

  @Get('plain-with-options')
  @SseRoom({ openOnFirstEvent: true })
  plainWithOptions(): Observable<number> {
    return interval(5);
  }

  @Get('plain-with-undefined')
  @SseRoom(undefined, { openOnFirstEvent: true })
  plainWithUndefined(): Observable<number> {
    return interval(5);
  }

  @Get(['first/:id', 'second/:id'])
  @SseRoom('orders/:id')
  severalPaths(): void {}

  @Post(':id/posted')
  @SseRoom('orders/:id')
  posted(): void {}

  @All(':id/all')
  @SseRoom('orders/:id')
  all(): void {}
}

@SseRoom('tenants/:tenant')
@Controller('tenants/:tenant')
class TenantController {
  @Get('tickets')
  @SseRoom('tickets')
  tickets(): void {}

  @Get('everything')
  @SseRoom()
  everything(): void {}

  @Get('ordinary')
  ordinary(): string {
    return 'no stream';
  }
}

@Controller('shelves/:shelf')
@SseRoom(['shelves/:shelf', 'library'])
class ShelfController {
  @SseRoom('books/:book')
  @Get(':book')
  book(): void {}
}

describe.each(allPlatforms)('@SseRoom() on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(
      sseApp({ controllers: [OrdersController, TenantController, ShelfController] }),
    );
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  async function roomsAfterOpening(path: string, method = 'GET', room = ''): Promise<string[]> {
    await running.listen(path, { method, headers: { 'x-room': room } });
    return [...running.sse.clients()].flatMap(({ rooms }) => [...rooms]).toSorted();
  }

  it.each([
    ['below the route decorator', '/orders/7/below', ['orders/7']],
    ['above the route decorator', '/orders/7/above', ['orders/7']],
    ['with a list', '/orders/7/list', ['audit', 'orders/7']],
    ['repeated', '/orders/7/repeated', ['audit', 'orders/7']],
    ['with two parameters', '/orders/north/7/two-parameters', ['shops/north/orders/7']],
    ['on the first of several paths', '/orders/first/7', ['orders/7']],
    ['on the second of several paths', '/orders/second/8', ['orders/8']],
    ['with a number', '/orders/number', ['0']],
    ['with a parameter that needs decoding', '/orders/z%C3%BCrich/below', ['orders/zürich']],
    ['on the class, with a room of the method', '/tenants/acme/tickets', ['tenants/acme', 'tickets']],
    ['on the class, with a plain method', '/tenants/acme/everything', ['tenants/acme']],
    ['on the class, below @Controller', '/shelves/3/dune', ['books/dune', 'library', 'shelves/3']],
  ])('joins its rooms %s', async (_where, path, rooms) => {
    expect(await roomsAfterOpening(path)).toEqual(rooms);
  });

  it('joins the rooms that a function of the request names', async () => {
    expect(await roomsAfterOpening('/orders/asked', 'GET', 'red blue')).toEqual(['blue', 'red']);
  });

  it.each([
    ['no argument', '/orders/plain'],
    ['options only', '/orders/plain-with-options'],
    ['undefined and options', '/orders/plain-with-undefined'],
    ['a function that returns []', '/orders/nowhere'],
  ])('is a plain stream with %s', async (_how, path) => {
    expect(await roomsAfterOpening(path)).toEqual([]);
    expect(running.sse.count()).toBe(1);
  });

  it.each([
    ['@Post', 'POST', '/orders/7/posted'],
    ['@All by GET', 'GET', '/orders/7/all'],
    ['@All by PUT', 'PUT', '/orders/7/all'],
  ])('answers %s with 200 and a stream in its room', async (_route, method, path) => {
    expect(await roomsAfterOpening(path, method)).toEqual(['orders/7']);
  });

  it('delivers what is published in its room and nothing else', async () => {
    const seven = await running.openTest('/orders/7/below');
    const eight = await running.openTest('/orders/8/below');
    await running.sse.broadcast('orders/7', 'paid', { id: 7 });
    await running.sse.broadcast('orders/8', 'paid', { id: 8 });
    expect(await seven.next()).toMatchObject({ event: 'paid', text: '{"id":7}' });
    await seven.expectNothing(5);
    expect(await eight.next()).toMatchObject({ event: 'paid', text: '{"id":8}' });
    await eight.expectNothing(5);
  });

  it('does not affect the other methods of a class with rooms', async () => {
    const answer = await running.open('/tenants/acme/ordinary');
    expect(await answer.text()).toBe('no stream');
    expect(running.sse.count()).toBe(0);
  });

  it('forgets the room with its last client', async () => {
    const stream = await running.openTest('/orders/7/below');
    expect([...running.sse.rooms()]).toEqual(['orders/7']);
    await stream.close();
    await running.disconnectAll();
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it('logs nothing above debug for a healthy connect and disconnect', async () => {
    running.logger.clear();
    await running.listen('/orders/7/below');
    await running.disconnectAll();
    expect(running.logger.lines.filter(({ level }) => level !== 'debug' && level !== 'verbose')).toEqual([]);
  });
});
