import type { PartitionedBroker, SseBroker } from '../broker/broker.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { describeValue } from '../protocol/error-text.js';
import { checkRetry } from '../protocol/input/event-fields.js';
import { checkCallOptions, checkedElsewhere } from '../protocol/input/option-checks.js';
import { EVERYONE, checkRoom, type RoomName } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { SseMember } from '../protocol/sse-member.js';
import { checkUser, noUsers } from '../protocol/input/user-name.js';
import type { CommandHost } from './command-host.interface.js';
import {
  encodeRemoteCommand,
  MAX_COMMAND_RETRY_MS,
  parseRemoteCommand,
  type RemoteCommand,
} from './remote-command-codec.js';

/** Users named in one control message; a longer list is published as several messages. */
const USERS_PER_MESSAGE = 250;

/** Properties of a target: with a misspelt one, `disconnect` would end more streams than were meant. */
const TARGET_CHECKS = { user: checkedElsewhere, room: checkedElsewhere, where: checkedElsewhere };

/** The streams that `disconnect` ends, on every node: one client's by its id, a user's, a room's, or those of some members. */
export type DisconnectTarget =
  | string
  | {
      readonly user: string | number;
      /** Only the user's streams in this room. Default: all of them. */
      readonly room?: RoomName;
    }
  | {
      readonly room: RoomName;
      /** Only the streams of these members; the room needs presence. Default: every stream in the room. */
      readonly where?: (member: SseMember) => boolean;
    };

/** Options of `disconnect`. */
export interface DisconnectOptions {
  /** Milliseconds after which the clients reconnect. Default: the reconnection time that they have. */
  readonly retryMs?: number;
}

/** Publishes commands to the clients of all nodes, and executes received ones for the clients of this node. */
export class RemoteCommands {
  readonly #broker: SseBroker | undefined;
  readonly #membersOf: (room: string) => Promise<SseMember[]>;
  readonly #hasUsers: boolean;

  /**
   * @param membersOf the members of a room over all nodes, for `{ room, where }`
   * @param hasUsers true with the option `identify`
   */
  constructor(
    broker: PartitionedBroker,
    membersOf: (room: string) => Promise<SseMember[]>,
    hasUsers: boolean,
  ) {
    this.#hasUsers = hasUsers;
    // A control message of any partition reaches every node. Always the same partition: commands stay in order.
    [this.#broker] = broker.partitions;
    this.#membersOf = membersOf;
  }

  /**
   * Ends streams on every node.
   *
   * @returns settles when the broker has accepted the command, not when the streams have ended
   * @throws SseError `invalid-arguments`, `invalid-room`, `invalid-user`, `invalid-retry`, `no-presence`,
   * `unsupported-by-broker`, `broker-closed`, `broker-unavailable`
   */
  async disconnect(target: DisconnectTarget, options: DisconnectOptions = {}): Promise<void> {
    checkCallOptions('disconnect', options, { retryMs: checkedElsewhere });
    const retryMs =
      options.retryMs === undefined ? undefined : checkRetry(options.retryMs, MAX_COMMAND_RETRY_MS);
    if (typeof target === 'string') return this.#publish({ do: 'disconnect', client: target, retryMs });
    if (typeof target !== 'object' || target === null || !('user' in target || 'room' in target)) {
      throw new SseError(
        'invalid-arguments',
        `disconnect takes a client's id, { user }, { room } or { room, where }, not ${describeValue(target)}.`,
      );
    }
    checkCallOptions('the target of disconnect', target, TARGET_CHECKS);
    const room = target.room === undefined ? undefined : checkRoom(target.room);
    if ('user' in target) {
      if ('where' in target) {
        throw new SseError('invalid-arguments', 'disconnect takes `where` with a room, not with a user.');
      }
      this.#checkUsersExist('disconnect({ user })');
      return this.#publish({ do: 'disconnect', users: [checkUser(target.user)], room, retryMs });
    }
    const { where } = target;
    if (where === undefined) return this.#publish({ do: 'disconnect', room, retryMs });
    const members = await this.#membersOf(room ?? EVERYONE);
    const users = members.filter((member) => isAccepted(where(member))).map(({ user }) => user);
    for (let first = 0; first < users.length; first += USERS_PER_MESSAGE) {
      const some = users.slice(first, first + USERS_PER_MESSAGE);
      await this.#publish({ do: 'disconnect', users: some, room, retryMs });
    }
  }

  /**
   * Takes all clients of a user out of a room, on every node; with `'*'` out of every room.
   *
   * @returns settles when the broker has accepted the command
   * @throws SseError `invalid-user`, `invalid-room`, `unsupported-by-broker`, `broker-closed`, `broker-unavailable`
   */
  async leave(user: unknown, room: RoomName): Promise<void> {
    this.#checkUsersExist('leave({ user }, room)');
    await this.#publish({ do: 'leave', users: [checkUser(user)], room: checkRoom(room) });
  }

  /**
   * Executes a received control message for the clients of this node.
   *
   * @returns `false` for a text that is no command, which is ignored
   */
  execute(text: string, host: CommandHost): boolean {
    const command = parseRemoteCommand(text);
    if (command === undefined) return false;
    for (const client of matchingClients(command, host)) {
      if (command.do === 'leave') {
        host.leave(client, command.room ?? EVERYONE);
      } else {
        if (command.retryMs !== undefined) client.setRetry(command.retryMs);
        client.connection.end('disconnected');
      }
    }
    return true;
  }

  #checkUsersExist(call: string): void {
    if (!this.#hasUsers) throw noUsers(call);
  }

  async #publish(command: RemoteCommand): Promise<void> {
    if (this.#broker?.publishControl === undefined) {
      throw new SseError(
        'unsupported-by-broker',
        'The broker cannot reach the clients of other nodes: it has no `publishControl`.',
      );
    }
    await this.#broker.publishControl(encodeRemoteCommand(command));
  }
}

/** Copies the matching clients to a list, since ending a stream changes the set of the room. */
function matchingClients(command: RemoteCommand, host: CommandHost): SseClient[] {
  const { client: id, users, room = EVERYONE } = command;
  const names = users && new Set(users);
  return Array.from(host.clientsOf(room)).filter(
    (client) =>
      (id === undefined || client.id === id) &&
      (names === undefined || (client.user !== undefined && names.has(client.user))),
  );
}

/** A promise would accept every member. */
function isAccepted(result: unknown): boolean {
  if (typeof result === 'boolean') return result;
  ignoreRejection(result);
  throw new SseError(
    'invalid-arguments',
    `The function "where" of disconnect returns true or false, not ${describeValue(result)}. It may not be asynchronous.`,
  );
}
