/** The presence of a user in a room on one node. */
export interface LocalPresence {
  /** Open streams. 0: the last one has ended, and the grace period for a reconnect is running. */
  readonly connections: number;
  /** The user's info from `identify`, as JSON. */
  readonly info: string | undefined;
}

/** A member of a room, over all nodes. */
export interface PresentUser extends LocalPresence {
  readonly user: string;
}

/** The numbers of users and of open streams in a room, over all nodes. */
export interface PresenceCount {
  readonly users: number;
  readonly connections: number;
}

/**
 * Stores the members of rooms over all nodes: an optional part of a broker.
 *
 * Each node sets the presence of its own users, and the store merges the nodes. A user joins a room with the first node
 * that sets it, and leaves when the last node removes it. Each join and leave is delivered through `onMessage` to the
 * nodes that have subscribed to the room: an event `sse:join` or `sse:leave` at position 0, with the JSON of
 * `{ room, user, info }` as data, in the order of the changes.
 */
export interface PresenceStore {
  /** Opens the store. Called once, after the broker's `start`, and only if some room has presence. */
  open(): void;

  /**
   * Sets the presence of a user in a room on this node; `undefined` removes it. Returns at once: the store retries until
   * the last state has reached the broker, and removes the users of a node that has died.
   */
  set(room: string, user: string, local: LocalPresence | undefined): void;

  /**
   * Lists the members of a room, in no particular order.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  members(room: string): Promise<readonly PresentUser[]>;

  /**
   * Counts the members of a room and their open streams.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  count(room: string): Promise<PresenceCount>;

  /**
   * Closes this node's part of the store, before the broker's `close`. Its users stay members for `graceMs` milliseconds,
   * so that those who reconnect at another node in that time do not leave. 0: they leave at once. Never rejects.
   */
  close(graceMs: number): Promise<void>;
}
