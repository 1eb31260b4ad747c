import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';
import type { PartitionedBroker, SseBroker } from './broker/broker.interface.js';
import type { SseClient } from './connection/sse-client.js';
import type { SseMetrics } from './metrics/sse-metrics.interface.js';
import type { SseIdentity } from './protocol/user-name.js';

/** What may be different for the rooms of one pattern. */
export interface SseRoomPolicyOptions {
  /** `false`: events of these rooms are not remembered and carry no id. */
  readonly history?: boolean;
  /** Overrides the module's `historyMaxEvents` for each of these rooms. */
  readonly historyMaxEvents?: number;
  /** Overrides the module's `historyMaxAgeMs`. */
  readonly historyMaxAgeMs?: number;
  /** `true`: every event of these rooms is volatile, unless its `broadcast` says otherwise. Implies no history. */
  readonly volatile?: boolean;
  /**
   * `true`: the module knows who is in these rooms, over all nodes; needs `identify`. Costs a write to the broker for each
   * connection that joins or leaves. Default: `false`.
   */
  readonly presence?: boolean;
  /**
   * `true`: those in the room hear the events `sse:join` and `sse:leave`, with `{ room, user, info }`. It shows each member to
   * the others, and in a room of n each join costs n deliveries. Default: `false`.
   */
  readonly presenceEvents?: boolean;
}

/** Options of `SseModule.forRoot()`. Wrong values and unknown names are refused at start-up. */
export interface SseModuleOptions {
  /**
   * After how many milliseconds of silence a client is sent a comment. Below the idle time of every proxy on the way
   * (nginx: 60,000). Small values cost one write per client each; `false` sends none, and vanished clients are then
   * found only when the next event is sent. Default: 20,000.
   */
  readonly heartbeatIntervalMs?: number | false;

  /**
   * The reconnection time that each stream begins with, in milliseconds. 0 reconnects at once; `false` leaves it to
   * the client (a few seconds). Default: 3,000.
   */
  readonly retryMs?: number | false;

  /**
   * How many bytes may wait for one client that does not keep up. Beyond it the client is disconnected as
   * `slow-consumer`; with history it comes back and loses nothing. Small values cut clients on short stalls; large
   * ones cost memory per stalled client. Default: 1,048,576.
   */
  readonly maxQueuedBytes?: number;

  /**
   * How long, in milliseconds, a client may take nothing while something waits for it, before it is disconnected as
   * `write-timeout`. `false` waits as long as TCP does (about 15 minutes). Default: 30,000.
   */
  readonly writeTimeoutMs?: number | false;

  /**
   * Collects events for this many milliseconds before they are written: fewer system calls, later events. `false`
   * writes once per turn of the event loop. Default: `false`.
   */
  readonly flushIntervalMs?: number | false;

  /**
   * How long, in milliseconds, `app.close()` waits for clients to take what is queued before it cuts them. 0 cuts at
   * once. Default: 1,000.
   */
  readonly shutdownGraceMs?: number;

  /**
   * Whether events of rooms are remembered and carry ids, so that clients resume. `false`: no ids, nothing is resumed,
   * and nobody is told of a gap. Default: `true`.
   */
  readonly history?: boolean;

  /**
   * How many events of each room are remembered. Few make a short absence a gap, many cost memory and make replays
   * long. Default: 256.
   */
  readonly historyMaxEvents?: number;

  /**
   * How long an event is remembered, in milliseconds. Short makes a short absence a gap, long keeps the history of quiet
   * rooms in memory. Default: 600,000 (10 minutes).
   */
  readonly historyMaxAgeMs?: number;

  /**
   * How many bytes of events are remembered over all rooms; the oldest go first, so with little, busy rooms push out the
   * history of quiet ones. With `redisBroker` it bounds what each node keeps to answer clients that come back without
   * asking Redis, and not what Redis keeps. Default: 33,554,432.
   */
  readonly historyMaxBytes?: number;

  /** Exceptions by room name; `*` in a name stands for any characters, and the first that fits decides. Default: none. */
  readonly rooms?: Readonly<Record<string, SseRoomPolicyOptions>>;

  /**
   * Whether a stream with rooms begins with the event `sse:ready`. `false`: a client that is cut before its first event
   * with an id comes back as a new one, and is not told. Default: `true`.
   */
  readonly readyEvent?: boolean;

  /**
   * Turns data that is not a string into text. What it throws becomes the `cause` of an `SseError`. Default:
   * `JSON.stringify`, which refuses a `Map`, `Set`, `Promise` and binary values with `invalid-data`: JSON would write
   * them without their content. Class-transformer's `@Exclude` takes effect only if it is called here.
   */
  readonly serialize?: (data: unknown) => string;

  /**
   * Says who a client is, for presence, `client.user`, and calls that name a user. Called once when its stream opens, after
   * guards and handler; `client.request` and `client.context` are there. (With `add()`: within that call, so what it needs has
   * to be on the request by then.) `undefined`: nobody in particular, and no member
   * of any room. So is a client for which it throws, and that is logged. Default: none.
   */
  readonly identify?: (client: SseClient) => SseIdentity | undefined;

  /**
   * How long, in milliseconds, a user stays a member of a room after the last stream there has ended, so that loading a
   * page again is no leaving. Short: a slow reload flaps. Long: who has gone is shown as present so long. `false` or 0: not
   * at all. Default: 5,000.
   */
  readonly presenceGraceMs?: number | false;

  /** What carries events between nodes. Default: the memory of this process. */
  readonly broker?: SseBroker | PartitionedBroker;

  /** Counters for the application's own metrics. Default: none. */
  readonly metrics?: SseMetrics;
}

/** Implemented by the class that `forRootAsync({ useClass })` or `useExisting` names. */
export interface SseOptionsFactory {
  createSseOptions(): SseModuleOptions | Promise<SseModuleOptions>;
}

/** Options of `SseModule.forRootAsync()`. */
export type SseModuleAsyncOptions = ConfigurableModuleAsyncOptions<SseModuleOptions, 'createSseOptions'> & {
  /** `false`: only modules that import this one can inject its service. Default: `true`. */
  readonly isGlobal?: boolean;
};
