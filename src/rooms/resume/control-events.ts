import type { SseClient } from '../../connection/sse-client.js';
import { heartbeatMsOf } from '../../connection/visible-heartbeats.js';
import { encodeEvent } from '../../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../../protocol/input/event-fields.js';
import { SseFrame } from '../../protocol/sse-frame.js';

/**
 * Why a client may have missed events.
 *
 * - `trimmed`: history no longer reaches back to the client's position.
 * - `epoch`: the broker began a new epoch, and positions of the old one are void.
 * - `invalid`: the client's `Last-Event-ID` is no position that a node has written.
 * - `session`: the session of the client is gone, and with it the rooms that it had joined at run time.
 */
export type GapReason = 'trimmed' | 'epoch' | 'invalid' | 'session';

/**
 * The first event of a stream with rooms. `id` sets the client's position before the first event of a room.
 *
 * @param restored the rooms of its session; `undefined` for a stream without one
 */
export function readyText(
  client: SseClient,
  resumed: 'full' | 'partial' | 'none',
  id: string | undefined,
  restored: readonly string[] | undefined,
): string {
  const heartbeatMs = heartbeatMsOf(client);
  return controlText('ready', { clientId: client.id, resumed, restored, heartbeatMs }, id);
}

/** Names the rooms whose events may be missing. Without an id, which would move the client past the gap. */
export function gapFrame(rooms: readonly string[], reason: GapReason): SseFrame {
  return new SseFrame(controlText('gap', { rooms, reason }));
}

/** Moves the client's position without an event (HTML standard, 9.2.6: an id counts even in a block without data). */
export function positionFrame(id: string): SseFrame {
  return new SseFrame(encodeEvent({ id }));
}

function controlText(name: string, data: unknown, id?: string): string {
  return encodeEvent({ id, event: `${RESERVED_EVENT_PREFIX}${name}`, data: JSON.stringify(data) });
}
