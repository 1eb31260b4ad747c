import type { RunState } from '../broker/run-store.interface.js';
import type { RetryTime } from '../protocol/input/retry-time.js';

/** Options of runs for the whole module. */
export interface SseRunsOptions {
  /**
   * Milliseconds for which the events of a run are stored after its end, 5,000 or more. With a small value a client that was
   * away misses the result; a large one keeps memory of the broker. Default: 600,000 (10 minutes).
   */
  readonly keepMs?: number;
  /**
   * Milliseconds after which a run that has not ended is aborted, as `failed` with the reason `deadline`; 1 or more. `false`: no
   * deadline, so that a producer that never ends costs memory until the application closes. Default: 3,600,000 (1 hour).
   */
  readonly maxDurationMs?: number | false;
  /**
   * Milliseconds without a follower on any node after which a run is aborted, as `stopped` with the reason `unwatched`; 10,000 or
   * more. For producers that cost money. `false`: a run goes on without followers. Default: `false`.
   */
  readonly stopWhenUnwatchedMs?: number | false;
  /** Number of events that are stored of a run, 1 or more. Beyond it the oldest are let go. Default: 10,000. */
  readonly maxEvents?: number;
  /**
   * UTF-8 bytes of events that are stored of a run, 1 or more. Beyond it the oldest are let go, except the newest one. Default:
   * 8,388,608 (8 MiB).
   */
  readonly maxBytes?: number;
  /**
   * Milliseconds after which a run ends as `failed` with the reason `lease`, where its node does not reach the broker any more;
   * 3,000 to 3,600,000. A small value ends the runs of a node that is busy or cut off for as long; a large one lets the
   * followers of a dead node wait. Default: 15,000.
   */
  readonly leaseMs?: number;
  /**
   * Milliseconds for which `app.close()` waits for the runs of this node, 0 or more. Their followers move on at once. What has
   * not ended by then ends as `failed` with the reason `shutdown`. Keep it below the time until SIGKILL. Default: 0.
   */
  readonly drainMs?: number;
  /** Number of runs that go on at once on this node, 1 or more. Further ones are refused with `too-many-runs`. Default: 10,000. */
  readonly maxRuns?: number;
}

/** Options of one run. Their defaults are those of the module. */
export interface SseRunOptions extends Pick<
  SseRunsOptions,
  'keepMs' | 'maxDurationMs' | 'stopWhenUnwatchedMs' | 'maxEvents' | 'maxBytes'
> {
  /** `true` starts a run again that has ended; `false` leaves it as it is, for `keepMs` after its end. Default: `true`. */
  readonly restart?: boolean;
}

/** State of a run. */
export interface SseRunStatus {
  readonly name: string;
  readonly state: RunState;
  /**
   * Cause of an end that was not the producer's own: `deadline`, `unwatched`, `shutdown`, `lease` (its node was dead, or cut
   * off from the broker).
   */
  readonly reason?: string | undefined;
  readonly startedAt: Date;
  readonly endedAt?: Date | undefined;
  /** Number of events so far. */
  readonly events: number;
  /** Number of the oldest events that were let go, because of `maxEvents` or `maxBytes`. */
  readonly droppedEvents: number;
}

/** One event of a run, as clients receive it. */
export interface SseRunEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** Merges two neighbouring events of a run, or returns `undefined` for two that stay apart. */
export type MergeRunEvents = (earlier: SseRunEvent, later: SseRunEvent) => SseRunEvent | undefined;

/** Options of a stream that follows a run. */
export interface SseRunTailOptions {
  /**
   * Merges what a late follower has missed into few events. `'concat'` joins the data of neighbouring events with the same name
   * whose data are strings. A function merges two events at a time, and must be associative. An event that was merged has the id
   * of the last one in it, so a client that comes back continues exactly. Default: every event as it was.
   */
  readonly compact?: 'concat' | MergeRunEvents;
  /**
   * Answer to a request for a run that does not exist: status 204, after which an `EventSource` stops for good, status 404, or a
   * stream that waits for the run to begin. Default: `'no-content'`.
   */
  readonly whenMissing?: 'no-content' | 'not-found' | 'wait';
  /**
   * Answer to a request for a run that has ended: its events and its end, or status 204. A client that comes back with an id of
   * the run gets the rest and the end in either case, and 204 once it has received the end. Default: `'replay'`.
   */
  readonly whenEnded?: 'replay' | 'no-content';
  /**
   * `false` writes nothing but the events of the run: no `sse:ready`, `sse:gap`, `sse:end`, `retry` and heartbeat, for clients of
   * other protocols. A run that has failed then cuts the connection instead of ending the response. Default: `true`.
   */
  readonly control?: boolean;
  /**
   * The reconnection time in milliseconds that the stream begins with (HTML standard, 9.2.6: field `retry`). 0 reconnects without
   * delay, so that a cut is hardly seen in a text that is being typed; `false` sends none; of a range `{ minMs, maxMs }` each client
   * is given a random one. Not with `control: false`. Default: the module's `retryMs`.
   */
  readonly retryMs?: RetryTime | false;
}

/** Options of a route that starts a run or follows it. */
export interface SseRunRouteOptions
  extends SseRunOptions, Omit<SseRunTailOptions, 'whenMissing' | 'whenEnded'> {
  /** Answer where the run is going on: its events, or status 409. Default: `'follow'`. */
  readonly whenRunning?: 'follow' | 'conflict';
}
