import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { BrokerState } from '../broker/broker.interface.js';
import type { CallbackFailures } from '../callbacks/callback-failures.js';
import { IsolatedObservable } from '../callbacks/isolated-observable.js';
import type { CloseReason } from '../connection/close-reason.js';
import type { SseClient } from '../connection/sse-client.js';
import { clientLabel } from '../logs/client-label.js';
import type { SseMetrics } from '../metrics/sse-metrics.interface.js';

/** The Subjects of one node, and what the application may subscribe to. */
export class HubObservables {
  /** Subscribed by the application alone: where it is not, no client waits for what subscribers do. */
  readonly connected = new Subject<{ client: SseClient }>();
  /** As `connected`, for subscribers that only observe. */
  readonly opened = new Subject<{ client: SseClient }>();
  readonly disconnected = new Subject<{ client: SseClient; reason: CloseReason }>();
  readonly brokerState = new BehaviorSubject<BrokerState>('down');
  readonly connected$: Observable<{ client: SseClient }>;
  readonly disconnected$: Observable<{ client: SseClient; reason: CloseReason }>;
  readonly brokerState$: Observable<BrokerState>;

  readonly #callbacks: CallbackFailures;
  readonly #metrics: SseMetrics;
  #hasBeenLive = false;

  constructor(callbacks: CallbackFailures, metrics: SseMetrics) {
    this.#callbacks = callbacks;
    this.#metrics = metrics;
    const isolated = <T>(name: string, subject: Subject<T>, describe?: (value: T) => string): Observable<T> =>
      new IsolatedObservable(name, callbacks, (subscriber) => subject.subscribe(subscriber), describe);
    this.connected$ = isolated('connected$', this.connected, labelOf);
    this.disconnected$ = isolated('disconnected$', this.disconnected, labelOf);
    this.brokerState$ = isolated('brokerState$', this.brokerState);
  }

  clientConnected(client: SseClient): void {
    const message = { client };
    this.connected.next(message);
    this.opened.next(message);
  }

  /** Emits and counts a state of the broker, unless it is the one before. */
  brokerStateIs(state: BrokerState): void {
    if (state === this.brokerState.value) return;
    this.#metrics.brokerStateChanged?.(state);
    if (state === 'live') {
      if (this.#hasBeenLive) this.#metrics.brokerReconnected?.();
      this.#hasBeenLive = true;
    }
    this.brokerState.next(state);
  }

  /** Completes the subscribers. Their `finalize` runs within this call, and may throw. */
  complete(): void {
    this.#callbacks.run('connected$', () => this.connected.complete());
    this.opened.complete();
    this.#callbacks.run('brokerState$', () => this.brokerState.complete());
    this.#callbacks.run('disconnected$', () => this.disconnected.complete());
  }
}

function labelOf({ client }: { client: SseClient }): string {
  return clientLabel(client);
}
