/** The kinds of messages that any program with access to Redis can write. */
export type RedisMessageKind =
  | 'event'
  | 'history entry'
  | 'sync marker'
  | 'control message'
  | 'presence entry'
  | 'node entry'
  | 'run message';

/** Counts the malformed messages that were read from Redis and ignored. Warns once for each kind. */
export class MalformedMessages {
  readonly #counts = new Map<RedisMessageKind, number>();
  readonly #warn: (message: string) => void;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** Returns the number of ignored messages of one kind. */
  count(kind: RedisMessageKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Records one ignored message. Its text is not logged: it may contain forged log lines. */
  ignore(kind: RedisMessageKind): void {
    const count = this.count(kind) + 1;
    this.#counts.set(kind, count);
    if (count > 1) return;
    this.#warn(
      `A malformed ${kind} in Redis was ignored, and later ones will be. Another program may publish with this prefix.`,
    );
  }
}
