import type { SseClient } from '../../connection/sse-client.js';
import type { StateSnapshot } from '../state-snapshot.interface.js';
import type { MissedReplay } from './missed-replay.js';

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
