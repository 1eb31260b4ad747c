/** What one node has of a user in a room. */
export interface LocalPresence {
  /** Open streams. 0 where the last one has just ended and the user may come back. */
  readonly connections: number;
  /** What the application says of the user, as JSON. */
  readonly info: string | undefined;
}

/** A user in a room, over all nodes. */
export interface PresentUser extends LocalPresence {
  readonly user: string;
}

/** How many are in a room, over all nodes. */
export interface PresenceCount {
  readonly users: number;
  readonly connections: number;
}

/**
 * Who is where, over all nodes: an optional part of a broker.
 *
 * Each node says what is so on it, and the store puts the nodes together. The first node that has a user in a room makes
 * the user join, the last one to have nothing of it any more makes the user leave. Each of these changes is told to the
 * nodes that have subscribed the room, by `onMessage`: an event `sse:join` or `sse:leave` without a position, whose data is
 * the JSON of `{ room, user, info }`, in the order in which the changes happened.
 */
export interface PresenceStore {
  /** Begins to take part. Called once, after the broker's `start`, and only where some room has presence. */
  open(): void;

  /**
   * Says what this node has of a user in a room; `undefined`: nothing any more. Returns at once: the store sees to it that
   * the last word reaches the others, however long the broker is away, and that nothing stays of a node that has died.
   */
  set(room: string, user: string, here: LocalPresence | undefined): void;

  /**
   * Everybody in a room, in no order.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  members(room: string): Promise<readonly PresentUser[]>;

  /** @throws SseError `broker-closed`, `broker-unavailable` */
  count(room: string): Promise<PresenceCount>;

  /**
   * Ends this node's part, before the broker's `close`: what it has stays for so many milliseconds, so that users who
   * come back at another node never left. Never rejects.
   */
  close(graceMs: number): Promise<void>;
}
