import type { CommandTarget } from './command-target.js';

/** What a change of stored sessions has done. */
export interface StoredChange {
  /** Number of sessions that have it. */
  readonly stored: number;
  /** True if a session had its most rooms, and was left as it is. */
  readonly isFull: boolean;
}

/**
 * The stored sessions of all nodes. They are changed before the streams: one that is between two connections, or changes its
 * node meanwhile, comes back with the change.
 */
export interface StoredSessionCommands {
  /**
   * Stores a room that the sessions of a target join now.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  join(to: CommandTarget, room: string, timeoutMs: number): Promise<StoredChange>;
  /** Removes a room, with `'*'` all rooms. Rejects as `join`. */
  leave(to: CommandTarget, room: string): Promise<StoredChange>;
  /**
   * Removes some rooms and then stores others, with the position of this moment. Rejects as `join`.
   *
   * @returns the number of sessions that were changed, and the rooms for which a session had no room
   */
  change(
    to: CommandTarget,
    rooms: { readonly join: readonly string[]; readonly leave: readonly string[] },
    timeoutMs: number,
  ): Promise<{ readonly stored: number; readonly full: readonly string[] }>;
}
