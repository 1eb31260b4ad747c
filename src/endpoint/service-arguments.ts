import { SseClient } from '../connection/sse-client.js';
import { describeValue } from '../protocol/error-text.js';
import { checkCallOptions, checkedElsewhere } from '../protocol/input/option-checks.js';
import { checkRooms, type RoomName, type RoomNameRules } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { checkUser, noUsers } from '../protocol/input/user-name.js';
import { SseDestination } from '../rooms/publish/sse-destination.js';
import type { RoomHub } from '../rooms/room-hub.js';

/**
 * Converts the targets in `options.except` of `[event], data, options` to the names in `PublishOptions.except`.
 *
 * @param hasUsers true with the option `identify`
 * @throws SseError `invalid-user`, `invalid-arguments`
 */
export function withExcluded(parts: readonly unknown[], hasUsers: boolean): readonly unknown[] {
  const [event, data, options, ...rest] = parts;
  const { except } = (options ?? {}) as { readonly except?: unknown };
  if (except === undefined) return parts;
  const names = [except].flat().map((target) => nameOf(target, hasUsers));
  return [event, data, { ...(options as object), except: names }, ...rest];
}

/** Matches the id of a client, and no name of a user in `PublishOptions.except`. */
const CLIENT_ID = /^[\w-]{1,64}$/;

/** The name of an excluded target in `PublishOptions.except`. @throws SseError `invalid-user`, `invalid-arguments` */
export function nameOf(target: unknown, hasUsers: boolean): string {
  if (target instanceof SseClient) return target.id;
  const { client, user, ...others } = (typeof target === 'object' && target !== null ? target : {}) as {
    readonly client?: unknown;
    readonly user?: unknown;
  };
  const isOne = (client === undefined) !== (user === undefined) && Object.keys(others).length === 0;
  if (!isOne || (client !== undefined && !(typeof client === 'string' && CLIENT_ID.test(client)))) {
    throw new SseError(
      'invalid-arguments',
      `except takes an SseClient, { client: id }, { user }, or a list of them, not ${describeValue(target)}.`,
    );
  }
  if (client !== undefined) return client;
  if (!hasUsers) throw noUsers('except: { user }');
  return `user:${checkUser(user)}`;
}

/** Rooms of a call of `to`, for events that some clients do not receive. @throws SseError `invalid-room` */
export function destinationOf<Events extends object, Room>(
  hub: RoomHub,
  users: { readonly hasUsers: boolean },
  names: RoomNameRules,
  rooms: readonly (RoomName | readonly RoomName[])[],
): SseDestination<Events, Room> {
  return new SseDestination(
    {
      checkRooms: (others) => checkRooms(others, names),
      nameOf: (target) => nameOf(target, users.hasUsers),
      publish: (call, event) => hub.publish(call, event),
    },
    checkRooms(rooms.flat(), names),
  );
}

/** Takes a client of this process out of a room. Such a call has no options. @throws SseError `invalid-arguments` */
export function leaveOwn(client: SseClient, room: RoomName, options: unknown): void {
  checkCallOptions('leave', options, {});
  client.leave(room);
}

/** Validates the names of the options of `add`. @throws SseError `invalid-arguments` */
export function checkAddOptions<Options extends object>(options: Options): Options {
  checkCallOptions('add', options, { rooms: checkedElsewhere, retryMs: checkedElsewhere });
  return options;
}
