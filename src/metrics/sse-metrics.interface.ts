import type { CloseReason } from '../connection/close-reason.js';

/** The endpoint and the transport of a stream, as labels: both have few values. */
export interface StreamLabels {
  /**
   * The route of the request as the code has it, such as `/orders/:id`. `other` for a request without a route, and from the
   * 101st route on.
   */
  readonly endpoint: string;
  /** HTTP/1.0 counts as `http/1.1`. */
  readonly transport: 'http/1.1' | 'h2';
}

/** Values that are read when they are needed, for example once per scrape. */
export interface SseGauges {
  /** Clients whose sockets are full: events wait for them. */
  readonly slowClients: number;
  /** Bytes of the events that wait for slow clients. Clients that stall over the same events share them. */
  readonly queuedBytes: number;
  /** Rooms with a client or a subscriber on this node. */
  readonly rooms: number;
  /** Runs that this node produces. */
  readonly runs: number;
  /** Streams of this node that follow a run. */
  readonly runFollowers: number;
}

/** How long one event took, in milliseconds. */
export interface WriteLatency {
  /** From the position of the event, which the broker's clock has set, to its arrival at this node: the lag of the broker. */
  readonly lagMs: number;
  /** From the position of the event to the write to the last of its clients that do not stall. */
  readonly totalMs: number;
}

/**
 * Counters that an application may connect to its own metrics. Each call is for one node. Implementations should only count,
 * since some calls are on hot paths; none of the calls is made for each delivery. A method that an implementation leaves out
 * costs nothing. An exception, or the rejection of a promise that a method returns, is reported and has no other effect.
 *
 * No value that a method receives is a room, a user or an address: each label has few values.
 *
 * ```ts
 * const metrics: SseMetrics = {
 *   clientOpened: ({ endpoint }) => open.inc({ endpoint }),
 *   clientClosed: (reason, { endpoint }) => open.dec({ endpoint }),
 *   eventDelivered: (clients) => deliveries.inc(clients),
 *   volatileDropped: () => dropped.inc(),
 * };
 * ```
 */
export interface SseMetrics {
  /** A stream was opened: its headers were sent. */
  clientOpened(stream: StreamLabels): void;
  /** A stream that `clientOpened` counted has ended. The difference of both counts is the number of open streams. */
  clientClosed(reason: CloseReason, stream: StreamLabels): void;
  /** A client ended before its stream opened: a guard or the handler refused it, or the client had gone. */
  clientRefused?(reason: CloseReason, stream: StreamLabels): void;
  /**
   * A limit of the option `limits` refused a request, or had an older stream of the user ended.
   *
   * @param limit the name of the option: one of a fixed list
   */
  limitReached?(
    limit:
      | 'maxStreams'
      | 'maxStreamsPerUser'
      | 'maxStreamsPerUserOnAllNodes'
      | 'maxStreamsPerAddress'
      | 'maxStreamsPerKey',
    stream: StreamLabels,
  ): void;
  /** A stream opened without a limit over all nodes, since the broker did not answer. @param limit as in `limitReached` */
  limitUnchecked?(limit: 'maxStreamsPerUserOnAllNodes', stream: StreamLabels): void;
  /** This node published an event, or failed to: the broker did not accept it. */
  eventPublished?(outcome: 'accepted' | 'failed'): void;
  /**
   * An event from the broker was delivered to this many clients of this node: the fan-out of one publish.
   *
   * @param bytes bytes of the event for all these clients together, without the framing of HTTP
   */
  eventDelivered(clients: number, bytes: number): void;
  /** An event was sent to one client: by `send`, or as a value of a handler's source. */
  eventSent?(bytes: number): void;
  /** Missed events were sent to a client that resumes, or that joined a room with `replay`. */
  eventsReplayed?(events: number): void;
  /** The latency of one event: the first one that this node has delivered after 10 ms without a measurement. */
  eventWritten?(latency: WriteLatency): void;
  /** A volatile event was dropped for a client with backpressure: a newer one replaced it, or the queue was full. */
  volatileDropped(): void;
  /**
   * A client came back with a `Last-Event-ID`.
   *
   * @param outcome `full` without loss, `partial` with `sse:gap`, `none` where no part of its history could be read
   * @param source the place that the missed events were read from: the memory of this node, or the broker's server; `none` for
   * the outcome `none`
   */
  clientResumed?(outcome: 'full' | 'partial' | 'none', source: 'node' | 'broker' | 'none'): void;
  /** `sse:gap` was sent to this many clients. */
  gapSent?(reason: 'trimmed' | 'epoch' | 'invalid' | 'session', clients: number): void;
  /** This node started a run. */
  runStarted?(): void;
  /**
   * A run that this node has started ended.
   *
   * @param reason `none` for an end of the producer's own, and for one by `stop`
   */
  runEnded?(
    state: 'done' | 'failed' | 'stopped',
    reason: 'none' | 'deadline' | 'unwatched' | 'shutdown' | 'lease' | 'lost',
  ): void;
  /** The state of the broker changed: with partitions, that of the least available one. It is `down` at first. */
  brokerStateChanged?(state: 'down' | 'syncing' | 'live'): void;
  /** The broker is live again after an interruption. */
  brokerReconnected?(): void;
  /** A call to the broker has settled. With partitions, each one is called. */
  brokerCalled?(call: 'publish' | 'read', outcome: 'ok' | 'failed', durationMs: number): void;
  /**
   * A callback or a subscriber of the application threw, or its promise rejected.
   *
   * @param callback its name, such as `identify`, `connected$` or `metrics.clientClosed`: one of a fixed list
   */
  callbackFailed?(callback: string): void;
  /**
   * Called once, when the node starts.
   *
   * @param read returns the current values, in a time that grows with the number of slow clients; `undefined` once the node
   * has closed
   */
  started?(read: () => SseGauges | undefined): void;
}
