import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';
import type { SseBroker } from './broker/broker.interface.js';
import type { PartitionedBroker } from './broker/partitioned-broker.interface.js';
import type { SseClient } from './connection/sse-client.js';
import type { EventContract } from './contract/event-contract.js';
import type { AllowedOrigins } from './cross-site/cross-site-options.interface.js';
import type { SseLimitOptions } from './limits/limit-options.interface.js';
import type { SseMetrics } from './metrics/sse-metrics.interface.js';
import type { SseTicketOptions } from './tickets/ticket-options.interface.js';
import type { AuthorizeRoom } from './rooms/authorize/authorize-room.interface.js';
import type { SseRoomPolicyOptions } from './rooms/room-policy-options.interface.js';
import type { RetryTime } from './protocol/input/retry-time.js';
import type { SseTracing } from './tracing/sse-tracing.interface.js';
import type { SseIdentity } from './protocol/input/user-name.js';
import type { SseRunsOptions } from './runs/run-options.interface.js';
import type { SseSessionOptions } from './sessions/session-options.interface.js';

/**
 * Options of `SseModule.forRoot()`. Each has a default. An invalid value or an unknown name throws an `SseError`
 * `invalid-options` when the application is created.
 *
 * ```ts
 * SseModule.forRoot({
 *   heartbeatIntervalMs: 15_000,
 *   rooms: { 'cursor:*': { volatile: true } },
 *   broker: redisBroker({ url: 'redis://localhost:6379' }),
 * })
 * ```
 */
export interface SseModuleOptions {
  /**
   * Milliseconds without a write after which a client is sent a comment (HTML standard, 9.2.7). Keep it below the idle
   * timeout of each proxy (nginx: 60,000). 1 or more; a small value costs each client one write per interval. `false`
   * sends no comments: proxies cut quiet streams, and a vanished client is found only by the next event. Default: 20,000.
   */
  readonly heartbeatIntervalMs?: number | false;

  /**
   * Reconnection time in milliseconds that each stream begins with (HTML standard, 9.2.6: field `retry`). 0 reconnects
   * without delay, so that after a restart all clients reconnect at once; a large value delays each resume. Of a range `{ minMs,
   * maxMs }` each client is given a random one. `false` sends none, and the client uses its own (a few seconds in browsers).
   * Default: 3,000.
   */
  readonly retryMs?: RetryTime | false;

  /**
   * Bytes that may wait for one client that reads more slowly than events arrive, 1 or more. A client over it is
   * disconnected as `slow-consumer`; with history it resumes without loss. A small value disconnects clients on short
   * stalls; a large one costs memory for each stalled client. Cannot be switched off. Default: 1,048,576.
   */
  readonly maxQueuedBytes?: number;

  /**
   * Milliseconds for which a client may read nothing while bytes wait for it, 1 or more. It is then disconnected as
   * `write-timeout`, at the latest half of the time later. Below 10,000 a client that reads steadily, but less than 20 KB/s,
   * may be disconnected; a large value keeps vanished clients. `false` waits as long as TCP does (about 15 minutes). Default:
   * 30,000.
   */
  readonly writeTimeoutMs?: number | false;

  /**
   * Milliseconds for which events are collected before they are written, 1 or more: fewer system calls, but each event is
   * delayed by up to this time. `false` writes once for each turn of the event loop. Default: `false`.
   */
  readonly flushIntervalMs?: number | false;

  /**
   * Milliseconds over which `app.close()` and `drain()` end the open streams, one by one, each with a reconnection time of its
   * own: a random one of the range `retryMs`, or a fixed one spread by half of it. Streams that end with their handler's source
   * come last. 0 ends all streams at once, as they are; a large value delays the shutdown: keep it below the time until SIGKILL.
   * Default: 0.
   */
  readonly drainWindowMs?: number;

  /**
   * Milliseconds for which `app.close()` waits after the drain window, first for publishes in flight, then for clients to read queued events before
   * it cuts them, and at last for what was published meanwhile. 0 cuts at once; a large value delays the shutdown by clients
   * that do not read. Default: 1,000.
   */
  readonly shutdownGraceMs?: number;

  /**
   * `true` stores events of rooms and gives them ids, so that clients resume after a reconnection (HTML standard, 9.2.4:
   * `Last-Event-ID`). `false`: no ids, no resume, and no `sse:gap`. Default: `true`.
   */
  readonly history?: boolean;

  /**
   * Number of events stored for each room, 1 or more. With few, a short disconnection is a gap; many cost memory and make
   * replays long. Default: 256.
   */
  readonly historyMaxEvents?: number;

  /**
   * Milliseconds for which an event is stored, 1 or more. With a small value a short disconnection is a gap; a large one
   * keeps the history of quiet rooms in memory. Default: 600,000 (10 minutes).
   */
  readonly historyMaxAgeMs?: number;

  /**
   * Bytes of events and quiet rooms stored on a node, 1 or more. The oldest are dropped first, so with a small value busy
   * rooms displace the history of quiet ones. With `redisBroker` it limits only the copy on each node, from which resumes
   * are answered without Redis, and not the history in Redis. Default: 33,554,432.
   */
  readonly historyMaxBytes?: number;

  /**
   * Options by room name. A `*` in a name matches any characters, and the first name that matches a room applies.
   * Default: none.
   */
  readonly rooms?: Readonly<Record<string, SseRoomPolicyOptions>>;

  /** The events of each room, from `defineEvents` of `nestjs-simple-sse/contract`, with schemas of their data. Default: none. */
  readonly events?: EventContract;

  /**
   * `true` compares each published or sent event with `events` before it is published: a wrong one is refused with `unknown-room`,
   * `unknown-event` or `data-mismatch`. `'warn'` logs it and publishes it. `false` compares nothing. What is sent is the same in all
   * three: the data as it was given. Default: `true`, and `false` where `NODE_ENV` is `production`.
   */
  readonly checkEvents?: 'warn' | boolean;

  /**
   * `true` allows `*` in names of rooms, beside other characters: `broadcast('orders/*', …)` publishes to the one room of that
   * name, and to no other. `false` refuses such a name with `invalid-room`, since it looks like a pattern. Set it alike on all
   * nodes. Default: `false`.
   */
  readonly allowAsteriskInRoomNames?: boolean;

  /**
   * `true`: a stream with rooms begins with the event `sse:ready`, which carries the first id. `false`: a client that is
   * disconnected before its first event with an id reconnects as a new client, and its missed events are not reported.
   * Default: `true`.
   */
  readonly readyEvent?: boolean;

  /**
   * Converts data other than strings to text. An exception becomes the `cause` of an `SseError` `invalid-data`.
   * `@Exclude()` of class-transformer has an effect only with `(data) => JSON.stringify(instanceToPlain(data))`. Default:
   * `JSON.stringify`, which refuses a `Map`, `Set`, `Promise` or binary value with `invalid-data`, since JSON writes them
   * without their content.
   */
  readonly serialize?: (data: unknown) => string;

  /**
   * Returns the user of a client, for `client.user`, for presence and for calls that name a user. `undefined` means no
   * user: the client is no member of any room. An exception has the same effect and is logged.
   *
   * Called once when the stream opens, after guards and handler, so `client.request` and `client.context` are set. With
   * `SseService.add()` it is called within that call: the request must have everything it needs before. Not needed in a
   * process without HTTP. Default: none.
   *
   * ```ts
   * identify: (client) => ({ user: (client.request as RequestWithUser).user.id })
   * ```
   */
  readonly identify?: (client: SseClient) => SseIdentity | undefined;

  /**
   * Milliseconds for which a user stays a member of a room after the last stream there has ended, so that reloading a
   * page is no leave. With a small value slow reloads cause `sse:leave` and `sse:join`; with a large one a user is shown
   * as present for as long. `false` or 0 removes the member at once. Default: 5,000.
   */
  readonly presenceGraceMs?: number | false;

  /**
   * Carries events between nodes and stores their history: `redisBroker` or your own. One instance for each module.
   * Default: a new `MemoryBroker`, for one process.
   */
  readonly broker?: SseBroker | PartitionedBroker;

  /** Limits of streams on this node. Default: those of `SseLimitOptions`. */
  readonly limits?: SseLimitOptions;

  /**
   * Sessions of streams, which a page asks for with `?session=` in the URL of its stream: the rooms that the stream joins at run
   * time are restored when it comes back. `false` ignores that parameter. Default: those of `SseSessionOptions`, where the
   * broker stores sessions.
   */
  readonly sessions?: SseSessionOptions | boolean;

  /**
   * Bounds and defaults of runs: `sse.runs`, `@SseRun` and `@SseRunTail`. Default: those of `SseRunsOptions`. Needs a broker that
   * stores runs.
   */
  readonly runs?: SseRunsOptions;

  /**
   * Returns whether a client may be in a room that it joins at run time, or a promise of it. Asked at each `join` of an open
   * stream, for each room of a session that comes back, and for the rooms of open streams by `sse.reauthorize`. Anything but
   * `true` refuses, and so does an exception with a status from 400 to 499: the `join` rejects with `room-forbidden`, and a room
   * of a session is left out. After another exception the `join` rejects in the same way, and a stream that comes back ends, to
   * come back again; so it does without an answer within 30 s. The function may await joins and leaves of its client, but no
   * join with `replay`. Not asked for rooms that the endpoint names. Default: all clients may.
   *
   * ```ts
   * authorizeRoom: (client, room) => this.members.has(client.user, room)
   * ```
   */
  readonly authorizeRoom?: AuthorizeRoom;

  /**
   * Origins whose pages may open streams with credentials (a cookie, or `Authorization`). A request of another page is
   * answered with 403, before rooms and handler. `'*'` or `false` checks nothing; see `AllowedOrigins`. Default: the page's own
   * origin, those of the same site, and those that the application's CORS settings allow.
   */
  readonly allowedOrigins?: AllowedOrigins | false;

  /**
   * Tickets of `sse.tickets`, for clients that can send no header. `false`: none is issued, and the query parameter has no
   * effect. Default: those of `SseTicketOptions`.
   */
  readonly tickets?: SseTicketOptions | false;

  /** Receives counts: an `SseMetrics`, or a list of several. Default: none. */
  readonly metrics?: SseMetrics | readonly SseMetrics[];

  /** Traces events from their publisher to their delivery: `openTelemetryTracing()`, or your own. Default: none. */
  readonly tracing?: SseTracing;
}

/** Implemented by the class of `forRootAsync({ useClass })` or `useExisting`. */
export interface SseOptionsFactory {
  /** Returns the options as `forRoot()` takes them. Called once, when the application starts. */
  createSseOptions(): SseModuleOptions | Promise<SseModuleOptions>;
}

/** Options of `SseModule.forRootAsync()`. */
export type SseModuleAsyncOptions = ConfigurableModuleAsyncOptions<SseModuleOptions, 'createSseOptions'> & {
  /** `false`: only modules that import this one can inject `SseService`. Default: `true`. */
  readonly isGlobal?: boolean;
};
