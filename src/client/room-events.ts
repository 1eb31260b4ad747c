import type { EventListener, EventName, SseControlEvents } from './sse-event.js';

/** Key of the map by room in a map of events. It exists for the compiler alone. */
declare const BY_ROOM: unique symbol;

/** Names of the events of all rooms of a map. */
type NamesIn<Rooms> = { [Room in keyof Rooms]: keyof Rooms[Room] }[keyof Rooms] & string;

/** Data of the events of one name, in whichever rooms of a map they are. */
type DataIn<Rooms, Name extends string> = {
  [Room in keyof Rooms]: Name extends keyof Rooms[Room] ? Rooms[Room][Name] : never;
}[keyof Rooms];

/**
 * A map of events, made of the events of each room. It is a map of names to data for `SseService` and `live.on()`, and has the
 * events of one room for `live.room()`.
 *
 * ```ts
 * type AppEvents = EventsByRoom<{
 *   news: { headline: { text: string } };
 *   [chat: `chat/${string}`]: { said: { user: string; text: string } };
 * }>;
 * ```
 */
export type EventsByRoom<Rooms extends object> = { [Name in NamesIn<Rooms>]: DataIn<Rooms, Name> } & {
  readonly [BY_ROOM]?: Rooms;
};

/** The map by room of a map of events; every room has all events without one. */
type RoomsOf<Events> = typeof BY_ROOM extends keyof Events
  ? NonNullable<Events[typeof BY_ROOM]>
  : Readonly<Record<string, Events>>;

/** Names of rooms. */
export type RoomName<Events> = keyof RoomsOf<Events> & string;

/** The events of one room, by name. */
export type EventsOfRoom<Events, Room extends RoomName<Events>> = RoomsOf<Events>[Room];

/** Names of the events of one room, with those of the presence of its members. */
type NameInRoom<RoomEvents> =
  Exclude<EventName<RoomEvents>, keyof SseControlEvents> | 'sse:join' | 'sse:leave';

/** One use of a room in a page: the result of `live.room()`. */
export interface LiveRoom<RoomEvents extends object> {
  readonly name: string;
  /**
   * Settles when the stream has joined the room: every event that is published from then on is received. While the server
   * cannot be reached it stays pending.
   *
   * @throws SseClientError `room-refused`, and `left` where the room was left before. A refusal that nobody waits for is
   * reported to `onError`
   */
  readonly joined: Promise<void>;
  /**
   * Calls `listener` for each event of this name in this room.
   *
   * @returns a function that removes the listener
   */
  on<Name extends NameInRoom<RoomEvents>>(name: Name, listener: EventListener<RoomEvents, Name>): () => void;
  /** Ends this use, with its listeners. The stream leaves the room with the last use of it in all tabs. */
  leave(): void;
}
