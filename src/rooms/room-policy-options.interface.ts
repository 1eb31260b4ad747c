import type { AuthorizeRoom } from './authorize/authorize-room.interface.js';

/** Options for the rooms of one name pattern. They override the module's options. */
export interface SseRoomPolicyOptions {
  /** `false`: events of these rooms are not stored and carry no id, so they are not replayed. Default: the module's. */
  readonly history?: boolean;
  /** Number of events stored for each of these rooms, 1 or more. Default: the module's. */
  readonly historyMaxEvents?: number;
  /** Milliseconds for which an event of these rooms is stored, 1 or more. Default: the module's. */
  readonly historyMaxAgeMs?: number;
  /**
   * `true`: events of these rooms are volatile unless `broadcast` overrides it. A slow client receives
   * only the newest of each event name. Implies `history: false`. Default: `false`.
   */
  readonly volatile?: boolean;
  /**
   * `true`: the module tracks the members of these rooms over all nodes. Needs the option `identify` in a
   * process with HTTP. Each join and leave of a connection costs a write to the broker. Default: `false`.
   */
  readonly presence?: boolean;
  /**
   * `true`: clients in the room receive the events `sse:join` and `sse:leave` with `{ room, user, info }`. Reveals each
   * member to the others. In a room of n clients each join costs n deliveries. Needs `presence: true`. Default: `false`.
   */
  readonly presenceEvents?: boolean;
  /** Decides about clients that join these rooms at run time, instead of the module's `authorizeRoom`. Default: the module's. */
  readonly authorizeRoom?: AuthorizeRoom;
}
