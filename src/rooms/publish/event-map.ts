import type { EventContract } from '../../contract/event-contract.js';
import type { JsonOf } from '../../contract/events-of.js';
import type { AnyRoom, DataIn, EventIn, Named } from '../../contract/room-types.js';

/**
 * The event map of a service. Nest infers `SseService<object>` for `app.get(SseService)`: a map without names means any name
 * with any data.
 */
export type EventMap<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** The names of events: those of an event map, those of rooms in a contract, or any for an untyped service. */
export type EventName<Events extends object, Room = AnyRoom> =
  Events extends EventContract<infer Rooms> ? EventIn<Rooms, Named<Room>> : keyof EventMap<Events> & string;

/** The data of the event with this name; any data for `undefined`, an event without a name, where there is no contract. */
export type EventData<Events extends object, Name extends string | undefined, Room = AnyRoom> =
  Events extends EventContract<infer Rooms>
    ? DataIn<Rooms, Named<Room>, Name extends string ? Name : 'message'>
    : [Name] extends [undefined]
      ? unknown
      : EventMap<Events>[Extract<Name, keyof EventMap<Events>>];

/** The data of an event as subscribers on any node receive it. */
export type ReceivedData<
  Events extends object,
  Name extends string,
  Room = AnyRoom,
> = Events extends EventContract ? JsonOf<EventData<Events, Name, Room>> : EventData<Events, Name, Room>;

/**
 * Data of an event without a name. The names of a typed service are excluded: `broadcast('orders', 'paid')` lacks the data of
 * `paid`, and would publish the text "paid". In a contract it is the event `message`.
 */
export type UnnamedData<Events extends object, Data, Room = AnyRoom> = Events extends EventContract
  ? 'message' extends EventName<Events, Room>
    ? EventData<Events, 'message', Room>
    : never
  : string extends EventName<Events>
    ? Data
    : Data extends EventName<Events>
      ? never
      : Data;
