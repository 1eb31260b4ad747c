import { encodeEvent } from '../../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../../protocol/event-fields.js';
import { SseFrame } from '../../protocol/sse-frame.js';

/**
 * Why a resuming client may have missed something: history no longer reaches back; the broker's memory began anew; or
 * its `Last-Event-ID` is no position of ours.
 */
export type GapReason = 'trimmed' | 'epoch' | 'invalid';

/** The first event of a stream with rooms. `id` seeds the client's cursor before any event of a room. */
export function readyFrame(
  clientId: string,
  resumed: 'full' | 'partial' | 'none',
  id: string | undefined,
): SseFrame {
  return controlFrame('ready', { clientId, resumed }, id);
}

/** Names the rooms of which events may be missing. Without an id: it must not move the client past the hole. */
export function gapFrame(rooms: readonly string[], reason: GapReason): SseFrame {
  return controlFrame('gap', { rooms, reason });
}

/** Moves the client's cursor without an event (HTML standard, 9.2.6: an id counts even in a block without data). */
export function positionFrame(id: string): SseFrame {
  return new SseFrame(encodeEvent({ id }));
}

function controlFrame(name: string, data: unknown, id?: string): SseFrame {
  return new SseFrame(
    encodeEvent({ id, event: `${RESERVED_EVENT_PREFIX}${name}`, data: JSON.stringify(data) }),
  );
}
