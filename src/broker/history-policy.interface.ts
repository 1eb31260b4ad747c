/** Limits of one room's history. */
export interface RoomHistoryLimits {
  /** Stored events; the oldest are trimmed first. A broker may store more. */
  readonly maxEvents: number;
  /** Age at which a stored event expires, in milliseconds. */
  readonly maxAgeMs: number;
}

/** The history limits of all rooms, given to the broker once, at `start`. */
export interface HistoryPolicy {
  /** Returns the limits of one room, or `false` for a room without history. Always returns the same for one room. */
  limitsOf(room: string): RoomHistoryLimits | false;
  /** The greatest `maxAgeMs` of any room; 0 if no room has history. Default: that of a room that no rule names. */
  readonly longestAgeMs?: number;
  /** The limits of all rooms in words, to compare nodes. Default: those of a room that no rule names. */
  readonly summary?: string;
  /** Bytes of history that a node stores in its own process, over all rooms. */
  readonly maxBytes: number;
}
