import type { StandardSchema } from './standard-schema.interface.js';

/** The events of one kind of room: a schema for the data of each name. */
export type RoomContract = Readonly<Record<string, StandardSchema>>;

/** The events of an application: for each kind of room, such as `orders/:id`, its events. */
export type RoomContracts = Readonly<Record<string, RoomContract>>;

/** The events of an application, from `defineEvents`: for `SseModule.forRoot({ events })`, and by its type for `SseService` and `connectSse`. */
export interface EventContract<Rooms extends RoomContracts = RoomContracts> {
  readonly '~rooms': Rooms;
}

/**
 * Defines the events of an application. Loads nothing of Nest or Node, so a file with it may be shared with pages.
 *
 * - A key is a room as in `@SseRoom`: `orders/:id` stands for all rooms with something for `:id`, without a slash. A room that is a
 *   key itself has the events of that key only.
 * - The key `*` has the events to all clients (`broadcast('*', …)`), and those that are sent to single clients alone.
 * - An event without a name has the name `message`, as in browsers.
 *
 * ```ts
 * export const events = defineEvents({
 *   'orders/:id': { paid: z.object({ amount: z.number() }), closed: typeOnly<null>() },
 *   '*': { notice: z.object({ text: z.string() }) },
 * });
 * ```
 *
 * @param rooms schemas are those of any library that follows the Standard Schema specification, or `typeOnly`. `forRoot` checks the names
 */
export function defineEvents<const Rooms extends RoomContracts>(rooms: Rooms): EventContract<Rooms> {
  return Object.freeze({ '~rooms': rooms });
}

/** Vendor of the schemas of `typeOnly`, of which nothing is known at run time. */
export const TYPE_ONLY = 'nestjs-simple-sse';

/** Stands for a schema where only the compiler checks the data. At run time every value passes. */
export function typeOnly<Data>(): StandardSchema<Data> {
  return {
    '~standard': { version: 1, vendor: TYPE_ONLY, validate: (value) => ({ value: value as Data }) },
  };
}
