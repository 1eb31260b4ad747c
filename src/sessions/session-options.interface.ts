/**
 * Sessions of streams, the option `sessions` of `SseModule`. A page names its session in the URL of its stream, as 16 to 128
 * characters of `[A-Za-z0-9_-]`. The rooms that the stream joins at run time belong to it, and are restored when the stream
 * comes back, at any node. Other keys are answered with 400.
 *
 * ```ts
 * new EventSource(`/events?session=${crypto.randomUUID()}`);
 * ```
 */
export interface SseSessionOptions {
  /**
   * Milliseconds for which a session is stored after its last stream has ended, 1,000 or more. With a small value a page that
   * comes back late receives `sse:gap` with the reason `session`; a large one keeps the rooms of pages that never come back.
   * After the end of a process without notice it may be two thirds longer. Default: 120,000.
   */
  readonly ttlMs?: number;

  /**
   * Rooms of a session, 1 or more. A join over it rejects with `too-many-rooms`. A small value limits pages; with a large one
   * each reconnect restores as many rooms. Default: 100.
   */
  readonly maxRooms?: number;
}
