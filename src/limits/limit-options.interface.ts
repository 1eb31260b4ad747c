/**
 * Limits of one node, the option `limits` of `SseModule`. `false` switches a limit off. Only `maxStreamsPerUserOnAllNodes` is
 * counted over several nodes: with n nodes a user may have n times the streams of the others.
 *
 * A refused request is answered with status 200, a `retry:` and the end, since a native `EventSource` never reconnects after
 * another status (HTML standard, 9.2.3). A client whose `Accept` does not begin with `text/event-stream`, or that sends
 * `Sse-Refusal: status`, is answered with 503 (`maxStreams`) or 429 (the others) and `Retry-After`.
 *
 * ```ts
 * SseModule.forRoot({
 *   identify: (client) => ({ user: (client.request as RequestWithUser).user.id }),
 *   limits: { maxStreamsPerUser: 5, atUserLimit: 'end-oldest' },
 * })
 * ```
 */
export interface SseLimitOptions {
  /**
   * Streams of this node, 1 or more, with requests whose rooms or handler are still awaited. A small value refuses clients;
   * a large one does not protect the memory of the process. Default: 50,000.
   */
  readonly maxStreams?: number | false;

  /**
   * Streams of one user, 1 or more. Has an effect only with the option `identify`, which is called when the handler has
   * returned. A small value is reached by the tabs of a browser. Default: 100.
   */
  readonly maxStreamsPerUser?: number | false;

  /**
   * Streams of one user over all nodes, 1 or more, beside `maxStreamsPerUser` of each node. Has an effect only with the option
   * `identify`. Each stream asks the broker before it opens, with one call. Where the broker does not answer within a second,
   * the stream opens and counts later, a line is logged, and `limitUnchecked` of the metrics is called: then only the limits of
   * the node hold. The streams of a process that ended without notice count for 15 s more. Refused at start-up with
   * `unsupported-by-broker` where the broker has no `userStreams`. Default: `false`.
   */
  readonly maxStreamsPerUserOnAllNodes?: number | false;

  /**
   * What happens at both limits of a user: `'refuse'` refuses the new stream. `'end-oldest'` ends the oldest open stream of the
   * user as `replaced`, with a `retry:` of a day, so that two tabs do not end each other in turns. Default: `'refuse'`.
   */
  readonly atUserLimit?: 'refuse' | 'end-oldest';

  /**
   * Streams of one address, 1 or more: `request.ip`, so set `trust proxy` of Express or `trustProxy` of Fastify behind a proxy,
   * or all clients have one address. IPv6 addresses count by their first 64 bits. Default: `false`.
   */
  readonly maxStreamsPerAddress?: number | false;

  /** Streams of one key, 1 or more. Has an effect only with `keyOf`. Default: 100. */
  readonly maxStreamsPerKey?: number | false;

  /**
   * Returns the key by which `maxStreamsPerKey` counts a request, such as its tenant; `undefined` or `null` for none. Called
   * after the guards, before rooms and handler. An exception is the answer to the request. Default: none.
   */
  readonly keyOf?: (request: never) => string | number | null | undefined;

  /**
   * Rooms of one client, 1 or more. A request for more is answered with 400, a `join` of one more rejects with
   * `too-many-rooms`, and `add` throws it. A small value refuses clients; a large one costs memory, and work in the broker
   * for each room. Default: 1,000.
   */
  readonly maxRoomsPerClient?: number | false;

  /**
   * Bytes of the data of one event as UTF-8, 1 or more, published or sent. A larger one is refused with `event-too-large`; from
   * a handler's source it ends that stream as `source-failed`. An event over `maxQueuedBytes` cuts clients whose socket is full.
   * Default: 16,777,216.
   */
  readonly maxEventBytes?: number | false;

  /**
   * Milliseconds after which an open stream is ended as `max-age`, 1 or more, each up to a tenth earlier. The client
   * reconnects, passes the guards again and resumes. A small value is one reconnect of each client in that time; `false` keeps
   * streams open without end. Default: `false`.
   */
  readonly maxAgeMs?: number | false;

  /**
   * Milliseconds after which a refused client should come back: each is sent between half and one and a half times of it.
   * 0 lets it come back at once. Default: 10,000.
   */
  readonly retryAfterMs?: number;
}
