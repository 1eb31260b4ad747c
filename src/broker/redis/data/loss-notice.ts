import { RESERVED_EVENT_PREFIX } from '../../../protocol/input/event-fields.js';
import type { RoomEvent } from '../../../protocol/room-message.js';

/**
 * Event that reports a loss: events of its rooms may be missing that another Redis had accepted before. It is stored in
 * history like an event and becomes a gap where it is read. An application cannot publish the reserved name.
 */
export const LOSS_NOTICE: RoomEvent = { event: `${RESERVED_EVENT_PREFIX}loss`, data: '', serialized: false };

export function isLossNotice({ event, data }: RoomEvent): boolean {
  return event === LOSS_NOTICE.event && data === '';
}
