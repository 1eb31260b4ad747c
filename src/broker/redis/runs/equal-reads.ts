/**
 * Merges equal reads: of many callers that ask for the same page at the same time, one read is sent. A caller never gets the
 * reply to a read that was sent before its call, so that its reply has every change that the caller was notified of.
 */
export class EqualReads<T> {
  readonly #waiting = new Map<string, Promise<T>>();

  /**
   * @param key equal for reads with the same reply
   * @param read calls its argument when it sends the read
   */
  run(key: string, read: (onSend: () => void) => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const end = (): void => {
      if (this.#waiting.get(key) === reply) this.#waiting.delete(key);
    };
    const reply = (async () => {
      // Callers that were woken by the same message read in the same turn.
      await Promise.resolve();
      return read(end);
    })().finally(end);
    this.#waiting.set(key, reply);
    return reply;
  }
}
