import { parseData } from '../../protocol/parse-data.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import type { AnyRoom } from '../../contract/room-types.js';
import type { EventContract } from '../../contract/event-contract.js';
import type { EventName, ReceivedData } from './event-map.js';

/** One event of a room, with the types of its name and its data. */
interface MessageOf<Name, Data> {
  /** The subscribed room, also of an event that was published to several rooms. */
  readonly room: string;
  readonly event: Name;
  /** The published data: a string unchanged, any other value parsed from its JSON, or as text where it is not JSON. */
  readonly data: Data;
  /** The event's position, as in the `id:` that clients receive; `undefined` for an event that cannot be replayed. */
  readonly id: string | undefined;
}

/**
 * One event as `SseService.stream()` emits it. With a map of events, `event` determines the type of `data`; the compiler
 * trusts the publishing nodes and does not see what JSON changes (a `Date` arrives as a string). With a contract it does.
 */
export type SseMessage<Events extends object = object, Room = AnyRoom> = Events extends EventContract
  ? {
      [Name in EventName<Events, Room>]: MessageOf<
        Name extends 'message' ? Name | undefined : Name,
        ReceivedData<Events, Name, Room>
      >;
    }[EventName<Events, Room>]
  : string extends EventName<Events>
    ? MessageOf<string | undefined, unknown>
    : | MessageOf<undefined, unknown>
      | { [Name in EventName<Events>]: MessageOf<Name, ReceivedData<Events, Name>> }[EventName<Events>];

/** Converts a received message. */
export function toSseMessage<Events extends object, Room = AnyRoom>(
  room: string,
  message: RoomEvent & { readonly id: string | undefined },
): SseMessage<Events, Room> {
  const converted: SseMessage = {
    room,
    event: message.event,
    // Also on the publishing node, so that the data is the same on every node: the others receive only the text.
    data: message.serialized ? parseData(message.data) : message.data,
    id: message.id,
  };
  return converted as SseMessage<Events, Room>;
}
