import type { CallbackFailures } from '../callbacks/callback-failures.js';
import { boundedTrace } from '../protocol/trace-context.js';
import type { SseTracing, TraceContext, TracedEvent } from './sse-tracing.interface.js';

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
    let span: ReturnType<SseTracing['publishStarted']> | undefined;
    this.#callbacks.run('tracing.publishStarted', () => void (span = tracing.publishStarted(event)));
    const end = (error?: unknown): void =>
      this.#callbacks.run('tracing.publishStarted', () => span?.end(error));
    const published = publish(boundedTrace(span?.trace));
    published.then(() => end(), end);
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
    let span: ReturnType<SseTracing['deliveryStarted']> | undefined;
    const traced: TracedEvent = { event: event.event, rooms: event.rooms.length };
    this.#callbacks.run(
      'tracing.deliveryStarted',
      () => void (span = tracing.deliveryStarted(traced, trace)),
    );
    const clients = deliver();
    this.#callbacks.run('tracing.deliveryStarted', () => span?.end(clients));
    return clients;
  }
}
