import type { EventName, EventOf } from './sse-event.js';
import type { SseLive } from './sse-live.js';

declare global {
  interface SymbolConstructor {
    /** Declared in the same way by RxJS and other libraries of Observables. */
    readonly observable: symbol;
  }
}

/** What an Observable calls. A `Subscriber` of RxJS has both. */
export interface SseObserver<Value> {
  /** Receives an event. */
  next?(value: Value): void;
  /** Called when the client is closed. */
  complete?(): void;
}

/** What `from()` of RxJS turns into its Observable. */
export interface SseObservable<Value> {
  /** Passes events to the observer until `unsubscribe` is called or the client is closed. */
  subscribe(observer: SseObserver<Value>): {
    /** Ends the subscription. The stream stays open. */
    unsubscribe(): void;
  };
  /** Returns itself, for libraries that look for this method. */
  [Symbol.observable](): SseObservable<Value>;
}

/**
 * Returns the events of this name for RxJS, or another library that knows `Symbol.observable`. It imports none of them.
 *
 * ```ts
 * from(fromSse(live, 'paid')).pipe(map(({ data }) => data.id), bufferTime(1_000));
 * ```
 *
 * Each subscription has a listener of its own from then on, and completes when the client is closed. An Observable never
 * fails: what `onError` and the state say is no event. The stream stays open when the last subscription ends.
 */
export function fromSse<Events extends object, Name extends EventName<Events>>(
  live: SseLive<Events>,
  name: Name,
): SseObservable<EventOf<Events, Name>> {
  const observable = {
    subscribe(observer: SseObserver<EventOf<Events, Name>>) {
      const stops = [live.on(name, (_data, event) => observer.next?.(event))];
      const unsubscribe = (): void => {
        for (const stop of stops) stop();
      };
      // Called at once on a closed client.
      const stopState = live.onState((state) => {
        if (state !== 'closed') return;
        unsubscribe();
        observer.complete?.();
      });
      stops.push(stopState);
      return { unsubscribe };
    },
    // The key that RxJS uses where nothing has defined `Symbol.observable`.
    '@@observable': () => observable,
    [Symbol.observable ?? '@@observable']: () => observable,
  };
  return observable;
}
