import type { EventContract } from '../../contract/event-contract.js';
import type { AnyRoom, Named, RoomIn } from '../../contract/room-types.js';
import type { RoomName } from '../../protocol/input/room-name.js';

/** A room, or a list of rooms: with a contract those that have events. */
export type RoomsArgument<Events extends object> = RoomArgument<Events> | readonly RoomArgument<Events>[];

/** A room: with a contract one that has events. */
export type RoomArgument<Events extends object> =
  Events extends EventContract<infer Rooms> ? RoomIn<Rooms> : RoomName;

/** The rooms that a list of arguments names, for a contract; without one every room has the same events. */
export type RoomsNamed<
  Events extends object,
  Arguments extends readonly unknown[],
> = Events extends EventContract ? Named<Arguments[number]> : AnyRoom;

/** The arguments of `to`. */
export type RoomsList<Events extends object> = readonly RoomsArgument<Events>[];
