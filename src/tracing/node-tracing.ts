import type { CallbackFailures } from '../callbacks/callback-failures.js';
import { ignoreRejection } from '../protocol/thenable.js';
import { boundedTrace } from '../protocol/trace-context.js';
import type { SseTracing, TraceContext, TracedEvent } from './sse-tracing.interface.js';

const PUBLISH = 'tracing.publishStarted';
const DELIVERY = 'tracing.deliveryStarted';

/** The tracing of one node, whose failures reach no publish and no delivery. */
export class NodeTracing {
  readonly #tracing: SseTracing | undefined;
  readonly #callbacks: CallbackFailures;

  constructor(tracing: SseTracing | undefined, callbacks: CallbackFailures) {
    this.#tracing = tracing;
    this.#callbacks = callbacks;
  }

  /** Publishes an event within a span. @param publish takes the trace context that goes with the event */
  publish<T>(event: TracedEvent, publish: (trace: TraceContext | undefined) => Promise<T>): Promise<T> {
    const tracing = this.#tracing;
    if (tracing === undefined) return publish(undefined);
    const span = this.#start(PUBLISH, () => tracing.publishStarted(event));
    let trace: TraceContext | undefined;
    this.#callbacks.run(PUBLISH, () => void (trace = boundedTrace(span?.trace)));
    const published = publish(trace);
    if (span !== undefined) {
      const end = (error?: unknown): void => this.#callbacks.run(PUBLISH, () => span.end(error));
      published.then(() => end(), end);
    }
    return published;
  }

  /** Delivers an event within a span, if it carries a trace context. @returns the number of clients that receive it */
  deliver(
    event: {
      readonly event: string | undefined;
      readonly rooms: readonly string[];
      readonly trace: TraceContext | undefined;
    },
    deliver: () => number,
  ): number {
    const tracing = this.#tracing;
    const { trace } = event;
    if (tracing === undefined || trace === undefined) return deliver();
    const traced: TracedEvent = { event: event.event, rooms: event.rooms.length };
    const span = this.#start(DELIVERY, () => tracing.deliveryStarted(traced, trace));
    const clients = deliver();
    if (span !== undefined) this.#callbacks.run(DELIVERY, () => span.end(clients));
    return clients;
  }

  /** @returns `undefined` where the method failed or returned no span, which is reported */
  #start<Span extends { readonly end: unknown }>(callback: string, start: () => Span): Span | undefined {
    let span: Span | undefined;
    this.#callbacks.run(callback, () => {
      const started = start() as Span | undefined;
      if (typeof started?.end === 'function') return void (span = started);
      ignoreRejection(started);
      throw new TypeError(`${callback} must return an object with a function "end" at once, not a promise.`);
    });
    return span;
  }
}
