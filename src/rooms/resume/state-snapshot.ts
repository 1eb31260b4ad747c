import type { SseClient } from '../../connection/sse-client.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { MissedReplay } from './missed-replay.js';

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

/** Loads of the state in one resume. Each after the first follows a gap that arose during the load before. */
const MAX_LOADS = 3;

/**
 * Sends the state to a client that was sent a gap, after the missed events, which are older than the state.
 *
 * @param lacksState true if a gap was sent before the missed events
 */
export async function sendStateAfterGap(
  { connection }: SseClient,
  snapshot: StateSnapshot,
  replay: MissedReplay,
  lacksState: boolean,
): Promise<void> {
  for (let loads = 0; lacksState || replay.hasSentGap; lacksState = false) {
    if (connection.isClosed || ++loads > MAX_LOADS) return;
    replay.hasSentGap = false;
    const frame = await snapshot.next();
    if (frame !== undefined && !connection.isClosed) connection.push(frame, false);
    // The gate may have reached its limit during the load, and history may lack what it dropped.
    await replay.run({ from: replay.from, isNeeded: false });
  }
}
