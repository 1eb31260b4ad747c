/** A trace context as text, such as `{ traceparent: '00-…' }`. It goes with an event through the broker, never to a client. */
export type TraceContext = Readonly<Record<string, string>>;

/** An event as traces see it. */
export interface TracedEvent {
  /** The event's name. */
  readonly event: string | undefined;
  /** Number of its rooms. */
  readonly rooms: number;
}

/**
 * Traces the way of an event: one span where it is published, one on each node that delivers it to clients. An exception of a
 * method is reported, and the event goes on without its trace.
 */
export interface SseTracing {
  /**
   * Called when an event is published, in the context of the caller.
   *
   * @returns the trace context that goes with the event, empty for none, and a function that is called once when the publish has
   * settled, with the error of one that failed
   */
  publishStarted(event: TracedEvent): {
    readonly trace: TraceContext;
    /** Ends the publish. */
    end(error?: unknown): void;
  };
  /**
   * Called when a node receives an event that carries a trace context, before it is delivered to clients.
   *
   * @returns a function that is called once with the number of clients that receive the event
   */
  deliveryStarted(
    event: TracedEvent,
    trace: TraceContext,
  ): {
    /** Ends the delivery. */
    end(clients: number): void;
  };
}
