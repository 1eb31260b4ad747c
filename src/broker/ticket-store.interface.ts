/**
 * Stores sealed texts for a short time: an optional part of a broker. A key is a hash of a secret that only a client has, and
 * the text is encrypted with that secret, so whoever reads the store can use neither.
 */
export interface TicketStore {
  /**
   * Stores a text. Settles when every node can take or read it.
   *
   * @param key 43 letters, digits, `-` and `_`
   * @param ttlMs milliseconds after which the text is gone, 1 to 86,400,000
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  put(key: string, text: string, ttlMs: number): Promise<void>;

  /**
   * Removes a text. Of simultaneous calls, on all nodes, exactly one gets it.
   *
   * @returns the text; `undefined` where there is none (any more)
   * @throws SseError `broker-closed`, `broker-unavailable`: then the text may be removed or not
   */
  take(key: string): Promise<string | undefined>;

  /**
   * Reads a text, and leaves it stored.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  read(key: string): Promise<string | undefined>;
}
