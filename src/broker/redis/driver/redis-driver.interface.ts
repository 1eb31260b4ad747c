/** Reply to a command of this package; maps and doubles do not occur. */
export type RedisReply = string | number | null | readonly RedisReply[];

export interface RedisConnectionEvents {
  readonly onMessage: (channel: string, message: string) => void;
  /** Called once when a ready or connecting connection is lost; not called after `close()`. */
  readonly onLost: (error: Error) => void;
}

/** Limits of `RedisConnection.confirmMaster`, in milliseconds. */
export interface ConfirmLimits {
  /** Greatest age of an answer that another connection was given. */
  readonly maxAgeMs: number;
  /** Longest time for one question. Two may follow one another. */
  readonly timeoutMs: number;
}

/**
 * One TCP connection to Redis. The library must neither reconnect it nor resend a command: a resent publish would
 * duplicate an event, and an unnoticed reconnect would hide missed events.
 */
export interface RedisConnection {
  /** Resolves when the connection accepts commands; rejects if it could not be opened. */
  readonly ready: Promise<void>;

  /**
   * @returns the reply; strings are UTF-8 text
   * @throws Error an error reply (see `isErrorReply`), or a loss of the connection before the reply
   */
  send(args: readonly string[]): Promise<RedisReply>;

  /**
   * Subscribes to sharded channels (Redis 7): in a cluster such a channel belongs to the node that owns its slot.
   * Resolves when Redis has acknowledged every channel. Afterwards the connection accepts only `subscribe` and
   * `unsubscribe`.
   */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;

  /**
   * Asks other servers whether the server of this connection is the current master: Sentinels, or the nodes of a Redis
   * Cluster. To be called before `subscribe`. `undefined` where no other servers are known.
   *
   * @throws FormerMasterError if it is not; settles without an error if they do not answer
   */
  confirmMaster?: ((limits: ConfirmLimits) => Promise<void>) | undefined;

  /** Closes the connection at once and rejects all pending commands. May be called at any time. */
  close(): void;
}

/** The port to a Redis library. */
export interface RedisDriver {
  /** Database number. Keys are separate per database, channels are not. */
  readonly database: number;

  /** Starts a new connection. */
  connect(events: RedisConnectionEvents): RedisConnection;
}

/** Returns `true` for an error reply of Redis: the command was not executed, and the connection still works. */
export function isErrorReply(error: unknown): boolean {
  // An error reply starts with a code in capitals (NOSCRIPT, OOM, ERR); no other error of the two libraries does.
  return error instanceof Error && /^[A-Z]{2,}( |$)/.test(error.message);
}
