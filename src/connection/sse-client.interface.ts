import type { Replay } from '../protocol/input/replay-option.js';
import type { ResumePoint } from '../protocol/position.js';

/**
 * Values that the application stores with a client: a user, a tenant, a token. Add typed fields by declaration merging:
 *
 * ```ts
 * declare module 'nestjs-simple-sse' {
 *   interface SseClientContext { user: User }
 * }
 * ```
 */
export interface SseClientContext {
  [key: string]: unknown;
}

/** Options of `SseClient.join()`. */
export interface JoinOptions {
  /**
   * The events of the room's history that the client receives before live ones: the newest n, `'all'`, or the newest n of
   * each event name. They carry no `id:`, because they are no resume: the client's position stays. Bounded by the room's
   * history. Has no effect before the stream is open, since `Last-Event-ID` decides then what is replayed, and the option
   * `replay` of `@SseRoom`. 0 replays none. Default: 0.
   *
   * ```ts
   * await client.join('chat:7', { replay: 20 });
   * ```
   */
  readonly replay?: Replay;
}

/** A join of a stream that is open. */
export interface RunTimeJoin extends JoinOptions {
  /**
   * The partition whose events from before the command of this join have been delivered to this node. For a room of another
   * one, the node waits until it has received what was published before the join. Default: none.
   */
  readonly inOrderIn?: number | undefined;
}

/** The way on which a control message has come. */
export interface ControlArrival extends Pick<RunTimeJoin, 'inOrderIn'> {
  /** Milliseconds for which this node has received every control message. Default: unknown. */
  readonly connectedForMs?: number | undefined;
}

/** By room, the position of a join. Until it is known the node may still be sent events from before the join. */
export type PendingJoins = Map<string, Promise<ResumePoint>>;
