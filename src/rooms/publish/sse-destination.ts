import type { PublishOptions } from '../../broker/broker.interface.js';
import type { SseClient } from '../../connection/sse-client.js';
import { describeValue } from '../../protocol/error-text.js';
import { checkCallOptions } from '../../protocol/input/option-checks.js';
import type { RoomName } from '../../protocol/input/room-name.js';
import type { SseIdentity } from '../../protocol/input/user-name.js';
import type { PublicMethod } from '../../protocol/sse-error.js';
import { BROADCAST_CHECKS } from './call-arguments.js';
import type { PublicCall } from '../reported-promise.js';
import type { EventData, EventName, UnnamedData } from './event-map.js';
import type { RoomsArgument, RoomsNamed } from './room-arguments.js';
import type { AnyRoom } from '../../contract/room-types.js';
import type { EventToPublish } from './event-publisher.js';

/** A client, a client of any node by its id, or a user with all of its clients, that does not receive an event. */
export type ExcludedTarget = SseClient | { readonly client: string } | Pick<SseIdentity, 'user'>;

/** Options of `emit`. */
export type EmitOptions = Pick<PublishOptions, 'volatile' | 'idempotencyKey' | 'acknowledge'>;

/** Publishes for a destination. */
export interface DestinationHost {
  /** The name of a target in `PublishOptions.except`. @throws SseError `invalid-arguments`, `invalid-user` */
  nameOf(target: unknown): string;
  /** The names of the rooms, each once. @throws SseError `invalid-room` */
  checkRooms(rooms: readonly RoomName[]): string[];
  /** As in `RoomHub`. */
  publish(call: PublicCall, event: () => EventToPublish): Promise<string | undefined>;
}

const { except: _excluded, ...EMIT_CHECKS } = BROADCAST_CHECKS;

/**
 * Rooms, and the clients in them that receive nothing. It never changes, and may be kept and used again: `to` and `except`
 * return another one. It keeps names only, so a kept destination keeps no client in memory.
 *
 * ```ts
 * const others = sse.to('orders', 'audit').except(client, { user: 7 });
 * await others.emit('paid', { id: 1 });
 * ```
 */
export class SseDestination<Events extends object = object, Room = AnyRoom> {
  readonly #host: DestinationHost;
  readonly #rooms: readonly string[];
  readonly #excluded: readonly string[];

  /** @internal */
  constructor(host: DestinationHost, rooms: readonly string[], excluded: readonly string[] = []) {
    this.#host = host;
    this.#rooms = rooms;
    this.#excluded = excluded;
  }

  /** Adds rooms. @throws SseError `invalid-room` */
  to<const More extends readonly RoomsArgument<Events>[]>(
    ...rooms: More
  ): SseDestination<Events, Room | RoomsNamed<Events, More>> {
    return new SseDestination(
      this.#host,
      this.#host.checkRooms([
        ...this.#rooms,
        ...(rooms as readonly (RoomName | readonly RoomName[])[]).flat(),
      ]),
      this.#excluded,
    );
  }

  /**
   * Excludes clients, and users with all of their clients, on every node. An excluded client that reconnects is a new client,
   * as with the option `except` of `broadcast`.
   *
   * @throws SseError `invalid-arguments`, also without `identify`; `invalid-user`
   */
  except(...targets: readonly (ExcludedTarget | readonly ExcludedTarget[])[]): SseDestination<Events, Room> {
    const names = targets.flat().map((target) => this.#host.nameOf(target));
    return new SseDestination(this.#host, this.#rooms, [...new Set([...this.#excluded, ...names])]);
  }

  /**
   * Publishes one event to all rooms, as `broadcast`: each client receives it once. `emit(data)` has no event name.
   *
   * @returns settles when the broker has accepted the event, with its position; with `undefined` for an event that cannot be
   * replayed, and without rooms
   * @throws SseError as `broadcast`: the promise rejects
   */
  emit<const Data>(data: UnnamedData<Events, Data, Room>): Promise<string | undefined>;
  emit<Name extends EventName<Events, Room> | undefined>(
    event: Name,
    data: EventData<Events, Name, Room>,
    options?: EmitOptions,
  ): Promise<string | undefined>;
  emit(...parts: unknown[]): Promise<string | undefined> {
    const rooms = this.#rooms;
    const name = parts.length > 1 ? `${describeValue(parts[0])}, ` : '';
    const describe = (): string => `to(${rooms.map(describeValue).join(', ')}).emit(${name}…)`;
    return this.#host.publish({ method: emitMethod, describe }, () => ({
      rooms,
      parts: this.#withExcluded(parts),
    }));
  }

  #withExcluded(parts: readonly unknown[]): readonly unknown[] {
    // Another number of arguments is refused later.
    if (parts.length < 1 || parts.length > 3) return parts;
    const [event, data, options] = parts.length === 1 ? [undefined, parts[0]] : parts;
    checkCallOptions('emit', options, EMIT_CHECKS);
    return [event, data, { ...(options as EmitOptions | undefined), except: this.#excluded }];
  }
}

// oxlint-disable-next-line typescript/unbound-method -- compared with the functions of a stack, never called
const emitMethod: PublicMethod = SseDestination.prototype.emit;
