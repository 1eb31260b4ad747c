/** Least time between two lines of the same kind, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Kinds that are told apart at a time. Further ones share the lines of their group. */
const MAX_KINDS = 100;

interface Kind {
  /** Lines since the last one that was written. */
  repeats: number;
  write: WriteLine;
}

/** Writes a line. @param repeated text about the lines that were left out; empty for none */
export type WriteLine = (repeated: string) => void;

/**
 * Keeps a storm of the same failure from flooding the log: the first line of a kind is written at once, then one in ten seconds
 * with the number of those that were left out.
 */
export class RepeatedLines {
  readonly #kinds = new Map<string, Kind>();

  /**
   * @param kind equal for lines that count as the same; a text of the application is allowed
   * @param group one of a fixed list: stands for the kind where too many are told apart already
   */
  log(kind: string, group: string, write: WriteLine): void {
    const key = this.#kinds.has(kind) || this.#kinds.size < MAX_KINDS ? kind : group;
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      known.repeats++;
      known.write = write;
      return;
    }
    this.#kinds.set(key, { repeats: 0, write });
    attempt(write, '');
    this.#await(key);
  }

  #await(key: string): void {
    setTimeout(() => this.#writeRepeats(key), INTERVAL_MS).unref();
  }

  #writeRepeats(key: string): void {
    const kind = this.#kinds.get(key);
    if (kind === undefined || kind.repeats === 0) return void this.#kinds.delete(key);
    attempt(kind.write, ` It happened ${kind.repeats} more times within ${INTERVAL_MS / 1_000} s.`);
    kind.repeats = 0;
    this.#await(key);
  }
}

/** A logger that fails must not end what the failure did not end. */
function attempt(write: WriteLine, repeated: string): void {
  try {
    write(repeated);
  } catch {
    // There is nowhere left to report it.
  }
}
