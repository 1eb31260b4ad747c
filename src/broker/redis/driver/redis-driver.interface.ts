/** What Redis answers to the scripts of this package: no maps, no doubles. */
export type RedisReply = string | number | null | readonly RedisReply[];

export interface RedisConnectionEvents {
  readonly onMessage: (channel: string, message: string) => void;
  /** Called once, when a connection that was ready or was becoming so is lost; not after `close()`. */
  readonly onLost: (error: Error) => void;
}

/**
 * One TCP connection to Redis, from its opening to its end. It is never reconnected, and what was sent on it is never
 * sent again by the library: both would make an event of one `publish` two, or hide a hole.
 */
export interface RedisConnection {
  /** Settles when commands are taken, or the connection could not be made. */
  readonly ready: Promise<void>;

  /**
   * @returns the reply; strings are UTF-8 text
   * @throws Error an error reply (`isErrorReply`), or that the connection was lost before the reply
   */
  send(args: readonly string[]): Promise<RedisReply>;

  /**
   * Subscribes sharded channels (Redis 7), which in a cluster belong to one node as keys do; elsewhere they are like
   * others. Resolves when Redis has acknowledged each. The connection then takes no commands but these two.
   */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;

  /** Ends the connection at once; whatever waits for a reply is rejected. May be called at any time. */
  close(): void;
}

/** All that the broker needs of a Redis library. */
export interface RedisDriver {
  /** The number of the database: keys are apart in each, channels are not. */
  readonly database: number;

  /** Begins to connect. */
  connect(events: RedisConnectionEvents): RedisConnection;
}

/** Whether Redis itself refused the command: it was not executed, and the connection is sound. */
export function isErrorReply(error: unknown): boolean {
  // An error reply begins with its code in capitals (NOSCRIPT, OOM, ERR); no other error of the two libraries does.
  return error instanceof Error && /^[A-Z]{2,}( |$)/.test(error.message);
}
