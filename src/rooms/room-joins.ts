import { SseClient } from '../connection/sse-client.js';
import type { JoinOptions } from '../connection/sse-client.interface.js';
import { describeValue } from '../protocol/error-text.js';
import { hasReplay } from '../protocol/input/replay-option.js';
import { checkRoomCount } from '../protocol/input/room-count.js';
import { EVERYONE, checkRoom, checkTarget, type RoomName } from '../protocol/input/room-name.js';
import type { PublicMethod } from '../protocol/sse-error.js';
import type { Partitions } from './partitions/partitions.js';
import { checkJoin } from './publish/call-arguments.js';
import { ReportedPromise } from './reported-promise.js';
import type { ClientResumes } from './resume/client-resumes.js';
import type { HubOptions } from './room-hub.interface.js';
import type { RoomRegistry } from './room-registry.js';

// oxlint-disable-next-line typescript/unbound-method -- compared, never called
const joinOfClient: PublicMethod = SseClient.prototype.join;

export interface RoomJoinsParts {
  readonly options: Pick<HubOptions, 'limits' | 'policy' | 'report' | 'allowAsteriskInRoomNames'>;
  readonly partitions: Partitions;
  readonly rooms: RoomRegistry;
  readonly resumes: ClientResumes;
}

/** Joins and leaves of the clients of this node. */
export class RoomJoins {
  readonly #parts: RoomJoinsParts;

  constructor(parts: RoomJoinsParts) {
    this.#parts = parts;
  }

  /** As `SseClient.join`. */
  join(
    client: SseClient,
    room: RoomName,
    options: JoinOptions = {},
    method: PublicMethod = joinOfClient,
  ): Promise<boolean> {
    const { options: hub } = this.#parts;
    const join = async (): Promise<boolean> => {
      checkJoin(client, options);
      const name = checkTarget(room, hub);
      if (name === EVERYONE || client.isClosed) return false;
      const session = this.#isRunTime(client) ? client.session : undefined;
      if (client.isIn(name)) {
        await session?.saved(name);
        return false;
      }
      checkRoomCount(client.roomCount + 1, hub.limits?.maxRoomsPerClient ?? false);
      if (session === undefined) return this.#join(client, name, options);
      session.checkRoom(name);
      const before = this.#positionOf(name);
      if (!(await this.#join(client, name, options))) return false;
      if (!client.isIn(name)) return !client.isClosed;
      return session.joined(name, this.#joinPoint(name, before));
    };
    const call = { method, describe: () => `join(client, ${describeValue(room)})` };
    return ReportedPromise.of(call, join, hub.report);
  }

  /** As `SseClient.leave`. @returns settles when the session of the client has left the room too, if it has one */
  leave(client: SseClient, room: RoomName): Promise<void> | undefined {
    const { rooms, options } = this.#parts;
    const name = checkRoom(room, options);
    if (name === EVERYONE) rooms.leaveAll(client);
    else rooms.leave(client, name);
    return client.session?.left(name);
  }

  async #join(client: SseClient, name: string, { replay = 0 }: JoinOptions): Promise<boolean> {
    const { rooms, resumes, options } = this.#parts;
    const { connection } = client;
    const { isOpen } = connection;
    if (!isOpen || connection.tracksPositionOnceJoined) connection.tracksPosition = true;
    // Events of the room wait until `attach` has sent the missed ones.
    if (!isOpen) connection.shutGate();
    const isAttaching = resumes.includesNewRooms(client);
    const replays = hasReplay(replay) && isOpen && !(isAttaching && (client.lastEventId ?? '') !== '');
    if (replays && options.policy.hasHistory) return resumes.join(client, name, replay);
    const { subscribed } = rooms.join(client, name);
    if (isOpen) resumes.joined(client, name);
    // Before the stream opens `attach` waits for the room instead: the stream opens only when the handler returns.
    if (subscribed !== undefined && (!isOpen || isAttaching)) resumes.joinedBeforeSubscribed(client);
    if (isOpen) await subscribed;
    return true;
  }

  /** False for rooms that the request, its handler or a subscriber of `connected$` joins: they join again at each reconnect. */
  #isRunTime(client: SseClient): boolean {
    return client.connection.isOpen && !this.#parts.resumes.includesNewRooms(client);
  }

  #positionOf(room: string): { readonly epoch: string; readonly position: number } {
    const { partitions } = this.#parts;
    return partitions.positionOf(partitions.partitionOf(room));
  }

  /**
   * The position of a join: a stream that comes back receives the events of the room after it, and none from before.
   *
   * Example: the node has delivered everything up to 100 when the client joins a room that the node already receives. All
   * events of the room up to 100 are from before the join, and the client receives the later ones live: the position is 100.
   * Where the node subscribes the room for this client, its own position may be hours old. The broker answers then with the
   * position of the subscription, 140: the events up to it are from before the join, and 141 is not.
   *
   * @param before position of the node when the join began: later events of the room may have been sent to the client
   */
  #joinPoint(
    room: string,
    before: { readonly epoch: string; readonly position: number },
  ): { readonly epoch: string; readonly position: number } {
    const since = this.#parts.rooms.get(room)?.subscribedSince ?? 0;
    const { epoch, position } = this.#positionOf(room);
    // A new epoch has begun meanwhile, in which the older position means nothing.
    if (epoch !== before.epoch) return { epoch, position: since === 0 ? position : since };
    return { epoch, position: Math.max(before.position, since) };
  }
}
