import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/event-fields.js';
import { formatPosition, type ResumePoint } from '../protocol/position.js';
import { SseFrame } from '../protocol/sse-frame.js';

/**
 * Why a resuming client may have missed something: history no longer reaches back; the broker's memory began anew; or
 * its `Last-Event-ID` is no position of ours.
 */
export type GapReason = 'trimmed' | 'epoch' | 'invalid';

/** The first event of a stream with rooms. `point` seeds the client's cursor before any event of a room. */
export function readyFrame(
  clientId: string,
  resumed: 'full' | 'partial' | 'none',
  point: ResumePoint | undefined,
): SseFrame {
  return controlFrame('ready', { clientId, resumed }, point);
}

/** Names the rooms of which events may be missing. Without an id: it must not move the client past the hole. */
export function gapFrame(rooms: readonly string[], reason: GapReason): SseFrame {
  return controlFrame('gap', { rooms, reason });
}

/** Moves the client's cursor without an event (HTML standard, 9.2.6: an id counts even in a block without data). */
export function positionFrame({ epoch, position }: ResumePoint): SseFrame {
  return new SseFrame(encodeEvent({ id: formatPosition(epoch, position) }));
}

function controlFrame(name: string, data: unknown, point?: ResumePoint): SseFrame {
  const id = point && formatPosition(point.epoch, point.position);
  return new SseFrame(
    encodeEvent({ id, event: `${RESERVED_EVENT_PREFIX}${name}`, data: JSON.stringify(data) }),
  );
}
