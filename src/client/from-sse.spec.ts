import { jest } from '@jest/globals';
import { bufferCount, from, map, take, type Observable } from 'rxjs';
import { FakeEventSource } from '../../test/client/fake-network.js';
import { someTurns } from '../../test/support/within.js';
import { connectSse } from './connect-sse.js';
import { fromSse } from './from-sse.js';
import type { SseEvent } from './sse-event.js';
import type { SseLive } from './sse-live.js';

interface AppEvents {
  paid: { id: number };
  shipped: { by: string };
}

describe('fromSse, with RxJS', () => {
  let live: SseLive<AppEvents>;
  let source: FakeEventSource;
  let received: unknown[];

  beforeEach(async () => {
    received = [];
    live = connectSse<AppEvents>('https://shop.example/events', { EventSource: FakeEventSource });
    await someTurns(1);
    source = FakeEventSource.last;
    source.open();
  });
  afterEach(() => live.close());

  it('is an Observable of the typed events of one name, in their order', () => {
    const paid$: Observable<SseEvent<'paid', { id: number }>> = from(fromSse(live, 'paid'));
    const ids$: Observable<number[]> = paid$.pipe(
      map(({ data }) => data.id),
      bufferCount(2),
    );
    ids$.subscribe((ids) => received.push(ids));
    source.emit('paid', { id: 1 });
    source.emit('shipped', { by: 'train' });
    source.emit('paid', { id: 2 });
    expect(received).toEqual([[1, 2]]);
    // @ts-expect-error -- no such event
    fromSse(live, 'payed');
    // @ts-expect-error -- not a field of its data
    from(fromSse(live, 'shipped')).pipe(map(({ data }) => data.id));
  });

  it('calls each subscriber once for each event, until it unsubscribes', () => {
    const paid$ = from(fromSse(live, 'paid'));
    const [first, second] = [1, 2].map((n) => paid$.subscribe(({ data }) => received.push([n, data.id])));
    source.emit('paid', { id: 1 });
    first?.unsubscribe();
    source.emit('paid', { id: 2 });
    second?.unsubscribe();
    source.emit('paid', { id: 3 });
    expect(received).toEqual([
      [1, 1],
      [2, 1],
      [2, 2],
    ]);
  });

  it('leaves no listener behind where an operator ends it, and leaves the stream open', () => {
    const listeners = new Set<object>();
    for (const method of ['on', 'onState'] as const) {
      const original = live[method].bind(live) as (...parts: unknown[]) => () => void;
      jest.spyOn(live, method).mockImplementation((...parts: unknown[]) => {
        const stop = original(...parts);
        listeners.add(stop);
        return () => void (listeners.delete(stop) && stop());
      });
    }
    from(fromSse(live, 'paid'))
      .pipe(take(1))
      .subscribe({ complete: () => received.push('complete') });
    expect(listeners.size).toBe(2);
    source.emit('paid', { id: 1 });
    expect([listeners.size, received, live.state]).toEqual([0, ['complete'], 'live']);
  });

  it('completes once with the client, and at once where that is closed already', () => {
    const paid$ = from(fromSse(live, 'paid'));
    paid$.subscribe({ complete: () => received.push('first') });
    live.close();
    live.close();
    paid$.subscribe({ complete: () => received.push('second') });
    expect(received).toEqual(['first', 'second']);
  });

  it('is found under Symbol.observable where a library has defined it', () => {
    const constructor = Symbol as { observable?: symbol };
    const before = constructor.observable;
    constructor.observable = Symbol.for('test.observable');
    try {
      const observable = fromSse(live, 'paid');
      expect(observable[Symbol.observable]()).toBe(observable);
      const subscription = observable.subscribe({ next: ({ data }) => received.push(data) });
      source.emit('paid', { id: 1 });
      subscription.unsubscribe();
      source.emit('paid', { id: 2 });
      expect(received).toEqual([{ id: 1 }]);
    } finally {
      if (before === undefined) delete constructor.observable;
      else constructor.observable = before;
    }
  });
});
