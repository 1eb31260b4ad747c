import type { SseFrame } from '../protocol/sse-frame.js';

/** The state of the rooms of one client. A new client begins with it, and a client that was sent a gap receives it again. */
export interface StateSnapshot {
  /**
   * Loads the state. Called while the gate is shut, and holds every event of the client's rooms from now on. So the state has
   * every event before those that follow it, and perhaps some of them.
   *
   * @returns `undefined` where it failed: the stream ends. Never rejects
   */
  next(): Promise<SseFrame | undefined>;
}
