/** The most streams of one user over all nodes. */
export interface UserStreamRule {
  /** Streams, 1 or more. */
  readonly max: number;
  /** `refuse`: a stream over it is not added. `end-oldest`: it is, and the oldest ones are to be ended. */
  readonly whenFull: 'refuse' | 'end-oldest';
}

/** The outcome of `add`. */
export interface UserStreamOutcome {
  /** False where the stream was refused: it does not count. */
  readonly isAdded: boolean;
  /**
   * Ids of the clients over the limit, the oldest first, on whatever node: empty with `refuse`. Each counts until it is
   * removed, so a client whose end was not reached is named again by the next call.
   */
  readonly tooMany: readonly string[];
}

/**
 * Counts the streams of users over all nodes: an optional part of a broker. Each node adds and removes its own streams. Those of
 * a node that ends without notice count no longer than its lease.
 */
export interface UserStreamStore {
  /**
   * Adds a stream of this node. A stream that was added before counts once. Of simultaneous calls, on all nodes, no more are
   * added than the rule allows.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`: the stream counts as soon as the broker can be reached, until it is
   * removed. Within about a second, so that a stream does not wait long
   */
  add(user: string, client: string, rule: UserStreamRule): Promise<UserStreamOutcome>;

  /** Removes a stream of this node, also one whose `add` is pending. Never throws; it takes effect soon. */
  remove(client: string): void;
}
