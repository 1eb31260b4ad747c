/**
 * The event map of a service. Nest infers `SseService<object>` for `app.get(SseService)`: a map without names means any name
 * with any data.
 */
export type EventMap<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** The names in an event map; `string` for an untyped service. */
export type EventName<Events extends object> = keyof EventMap<Events> & string;

/** The data of the event with this name; any data for `undefined`, an event without a name. */
export type EventData<Events extends object, Name extends EventName<Events> | undefined> = [Name] extends [
  undefined,
]
  ? unknown
  : EventMap<Events>[Extract<Name, EventName<Events>>];

/**
 * Data of an event without a name. The names of a typed service are excluded: `broadcast('orders', 'paid')` lacks the data of
 * `paid`, and would publish the text "paid".
 */
export type UnnamedData<Events extends object, Data> =
  string extends EventName<Events> ? Data : Data extends EventName<Events> ? never : Data;
