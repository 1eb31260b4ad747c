import { jest } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SseService } from 'nestjs-simple-sse';
import { createSseServiceMock, SseServiceMock, SseTestingModule } from 'nestjs-simple-sse/testing';
import { sseRefusal } from '../support/refusal.js';
import { mockPromises } from './mock-promises.js';

@Injectable()
class Payments {
  constructor(@Inject(SseService) private readonly sse: SseService) {}

  async paid(id: number): Promise<void> {
    await this.sse.broadcast(`orders/${id}`, 'paid', { id });
  }
}

@Module({ providers: [Payments], exports: [Payments] })
class PaymentsModule {}

describe('a mock of the service', () => {
  it.each(Object.entries(mockPromises))('%s', (_name, promise) => promise(createSseServiceMock));

  it('records what a provider publishes, by room', async () => {
    const sse = createSseServiceMock();
    const payments = new Payments(sse);
    await payments.paid(7);
    await payments.paid(8);
    expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
    expect(sse.published('orders/9')).toEqual([]);
    expect(sse.publishedRooms()).toEqual(['orders/7', 'orders/8']);
    sse.clear();
    expect(sse.publishedRooms()).toEqual([]);
  });

  it('records an event that is not awaited at once', () => {
    const sse = createSseServiceMock();
    void sse.broadcast('a', 'paid', 1);
    expect(sse.published('a')).toEqual([{ event: 'paid', data: 1 }]);
  });

  it('records every way to publish, and the options of the call', async () => {
    const sse = createSseServiceMock();
    await sse.broadcast(['a', 7], 'text', { at: new Date(0) }, { volatile: true });
    await sse.to('a').except({ user: 'ann' }).emit('moved', [1]);
    await sse.broadcast('a', 'no name');
    expect(sse.published('a')).toEqual([
      { event: 'text', data: { at: '1970-01-01T00:00:00.000Z' }, options: { volatile: true } },
      { event: 'moved', data: [1], options: { except: ['user:ann'] } },
      { event: undefined, data: 'no name' },
    ]);
    expect(sse.published(7)).toHaveLength(1);
  });

  it.each<[string, (sse: SseService) => Promise<unknown>]>([
    ['invalid-room', (sse) => sse.broadcast('orders/undefined', 'paid', 1)],
    ['invalid-room', (sse) => sse.broadcast('orders/*', 'paid', 1)],
    ['invalid-event-name', (sse) => sse.broadcast('a', 'sse:ready', 1)],
    ['invalid-data', (sse) => sse.broadcast('a', 'paid', undefined)],
    ['invalid-arguments', (sse) => sse.broadcast('a', 'paid', 1, { volatil: true } as object)],
  ])('refuses with %s what the real service refuses', async (code, call) => {
    const sse = createSseServiceMock();
    expect(await sseRefusal(() => call(sse))).toMatchObject({ code });
    expect(sse.publishedRooms()).toEqual([]);
  });

  it('takes the options of the application', async () => {
    const sse = createSseServiceMock({ serialize: () => '"own"', limits: { maxEventBytes: 8 } });
    await sse.broadcast('a', 'paid', { id: 7 });
    expect(sse.published('a')).toEqual([{ event: 'paid', data: 'own' }]);
    expect(await sseRefusal(() => sse.broadcast('a', 'paid', 'longer than 8'))).toMatchObject({
      code: 'event-too-large',
    });
    expect(await sseRefusal(() => createSseServiceMock({ retryMs: -1 }))).toMatchObject({
      code: 'invalid-options',
    });
  });

  it('settles as the real service: positions that ascend, no client, one event for an idempotency key', async () => {
    const sse = createSseServiceMock();
    const [first, second] = [await sse.broadcast('a', 'x', 1), await sse.broadcast('a', 'x', 2)];
    expect(String(first) < String(second)).toBe(true);
    expect(await sse.broadcast('a', 'x', 1, { volatile: true })).toBeUndefined();
    const once = { idempotencyKey: 'k' };
    expect(await sse.broadcast('b', 'x', 1, once)).toBe(await sse.broadcast('b', 'x', 1, once));
    expect(sse.published('b')).toHaveLength(1);
    expect(await sse.send({ user: 7 }, 'x', 1)).toBe(0);
    expect(await sse.disconnect({ room: 'a' })).toBe(0);
    expect(sse.count()).toBe(0);
  });

  it('emits what is published to subscribers of stream()', async () => {
    const sse = createSseServiceMock();
    const received: unknown[] = [];
    sse.stream('a').subscribe(({ event, data }) => received.push([event, data]));
    await sse.broadcast('a', 'paid', { id: 7 });
    expect(received).toEqual([['paid', { id: 7 }]]);
  });

  it('starts no timer, whatever is published', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      const sse = createSseServiceMock();
      await sse.broadcast('a', 'x', 1, { idempotencyKey: 'k' });
      await sse.send({ user: 7 }, 'x', 1);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBe(before);
  });

  it('is typed by a map of events', () => {
    const sse = createSseServiceMock<{ paid: { id: number } }>();
    const [first] = sse.published('a');
    if (first?.event === 'paid') first.data.id.toFixed();
    // @ts-expect-error -- no such event
    void (() => sse.broadcast('a', 'payed', { id: 7 }));
    expect(first).toBeUndefined();
  });
});

describe('SseTestingModule', () => {
  it.each([
    ['as it is', SseTestingModule],
    ['with options', SseTestingModule.forRoot({ history: false })],
  ])('%s provides the mock to the providers of every module', async (_case, imported) => {
    const module = await Test.createTestingModule({ imports: [imported, PaymentsModule] }).compile();
    await module.get(Payments).paid(7);
    const sse = module.get(SseServiceMock);
    expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
    expect(module.get(SseService)).toBe(sse);
    await module.close();
  });
});
