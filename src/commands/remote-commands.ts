import { asPartitioned, type PartitionedBroker, type SseBroker } from '../broker/broker.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { describeValue } from '../protocol/error-text.js';
import { checkRetry } from '../protocol/event-fields.js';
import { EVERYONE, checkRoom, type RoomName } from '../protocol/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { checkUser } from '../protocol/user-name.js';
import { parseRemoteCommand, type RemoteCommand } from './remote-command-codec.js';
import type { PresenceHost } from '../presence/presence-host.interface.js';
import type { SseMember } from '../presence/sse-member.js';

/** Users in one message to all nodes. */
const USERS_A_MESSAGE = 250;

/** Whose streams `disconnect` ends, on every node: those of one client by its id, of a user, of a room, or of some of its members. */
export type DisconnectTarget =
  | string
  | {
      readonly user: string | number;
      /** Only the user's streams that are in this room. Default: all of them. */
      readonly room?: RoomName;
    }
  | {
      readonly room: RoomName;
      /** Only of these members; the room needs presence. Default: every stream that is in the room. */
      readonly where?: (member: SseMember) => boolean;
    };

/** How `disconnect` ends streams. */
export interface DisconnectOptions {
  /** After how many milliseconds the clients come back, instead of what they were told before. */
  readonly retryMs?: number;
}

/** What one node asks of all: to end streams, or to take users out of rooms. Each node obeys for its own clients. */
export class RemoteCommands {
  readonly #broker: SseBroker | undefined;
  readonly #membersOf: (room: string) => Promise<SseMember[]>;
  #host: PresenceHost | undefined;

  constructor(broker: SseBroker | PartitionedBroker, membersOf: (room: string) => Promise<SseMember[]>) {
    // Every node hears each partition, so one is enough; and it is the same one for all, for the order's sake.
    [this.#broker] = asPartitioned(broker).partitions;
    this.#membersOf = membersOf;
  }

  start(host: PresenceHost): void {
    this.#host = host;
  }

  async disconnect(target: DisconnectTarget, options: DisconnectOptions = {}): Promise<void> {
    const retryMs = options.retryMs === undefined ? undefined : checkRetry(options.retryMs);
    if (typeof target === 'string') return this.#give({ do: 'disconnect', client: target, retryMs });
    if (typeof target !== 'object' || target === null || !('user' in target || 'room' in target)) {
      throw new SseError(
        'invalid-arguments',
        `disconnect takes a client's id, { user }, { room } or { room, where }, not ${describeValue(target)}.`,
      );
    }
    const room = target.room === undefined ? undefined : checkRoom(target.room);
    if ('user' in target) {
      return this.#give({ do: 'disconnect', users: [checkUser(target.user)], room, retryMs });
    }
    const { where } = target;
    if (where === undefined) return this.#give({ do: 'disconnect', room, retryMs });
    const users = (await this.#membersOf(room ?? EVERYONE)).filter(where).map(({ user }) => user);
    for (let first = 0; first < users.length; first += USERS_A_MESSAGE) {
      const some = users.slice(first, first + USERS_A_MESSAGE);
      await this.#give({ do: 'disconnect', users: some, room, retryMs });
    }
  }

  async leave(user: unknown, room: RoomName): Promise<void> {
    await this.#give({ do: 'leave', users: [checkUser(user)], room: checkRoom(room) });
  }

  /** Does what a node has asked of all. */
  execute(text: string): void {
    const order = parseRemoteCommand(text);
    if (order === undefined) return;
    const clients = this.#clientsOf(order);
    if (order.do === 'leave') {
      for (const client of clients) this.#host?.leave(client, order.room ?? EVERYONE);
      return;
    }
    for (const client of clients) {
      if (order.retryMs !== undefined) client.setRetry(order.retryMs);
      client.end('disconnected');
    }
  }

  async #give(order: RemoteCommand): Promise<void> {
    if (this.#broker?.publishControl === undefined) {
      throw new SseError(
        'unsupported-by-broker',
        'The broker cannot reach the clients of other nodes: it has no `publishControl`.',
      );
    }
    await this.#broker.publishControl(JSON.stringify(order));
  }

  /** A list of its own: ending a stream changes the sets. */
  #clientsOf({ client: id, users, room = EVERYONE }: RemoteCommand): SseClient[] {
    const named = users && new Set(users);
    return Array.from(this.#host?.clientsOf(room) ?? []).filter(
      (client) =>
        (id === undefined || client.id === id) &&
        (named === undefined || (client.user !== undefined && named.has(client.user))),
    );
  }
}
