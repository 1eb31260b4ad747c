import { SseClient } from '../connection/sse-client.js';
import type { JoinOptions, RunTimeJoin } from '../connection/sse-client.interface.js';
import { describeValue } from '../protocol/error-text.js';
import { hasReplay } from '../protocol/input/replay-option.js';
import { checkRoomCount } from '../protocol/input/room-count.js';
import { EVERYONE, checkRoom, checkTarget, type RoomName } from '../protocol/input/room-name.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { PublicMethod } from '../protocol/sse-error.js';
import type { RoomAuthorizer } from './authorize/room-authorizer.js';
import type { Partitions } from './partitions/partitions.js';
import { WaitingJoins } from './pending-joins.js';
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
  readonly authorizer: RoomAuthorizer;
}

/** A join that a leave may cancel while it waits. */
interface CancellableJoin extends RunTimeJoin {
  readonly isCancelled: () => boolean;
}

/** Joins and leaves of the clients of this node. */
export class RoomJoins {
  readonly #parts: RoomJoinsParts;
  /** Joins that wait until the streams of their clients have opened, or ended. */
  readonly #awaitingOpening = new Map<SseClient, (() => void)[]>();
  readonly #waiting = new WaitingJoins();

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
      return this.#waiting.run(client, name, (isCancelled) =>
        this.#joinOrRefuse(client, name, { ...options, isCancelled }, true),
      );
    };
    const call = { method, describe: () => `join(client, ${describeValue(room)})` };
    return ReportedPromise.of(call, join, hub.report);
  }

  /** Adds a client whose stream is not open yet to a room that its request names. The name is checked. */
  joinAtRequest(client: SseClient, name: string): void {
    if (!client.isClosed && !client.isIn(name)) void this.#enter(client, name, { isCancelled: () => false });
  }

  /**
   * As `join`, but always a join at run time, and without the end of a replay.
   *
   * A client whose stream is not open yet, with a session or where the application decides about rooms, joins once the stream
   * is open: its user and its session are known then, and the room is no room of the request, which would be resumed from
   * before this join. Any other client joins at once: a handler may hold the stream back for long. A leave that comes while a
   * join waits cancels it.
   */
  async joinAtRunTime(client: SseClient, room: string, options: RunTimeJoin): Promise<boolean> {
    return this.#waiting.run(client, room, async (isCancelled) => {
      const needsOpening = client.session !== undefined || this.#parts.authorizer.isUsed;
      if (needsOpening && !client.isClosed && !client.connection.isOpen) {
        await new Promise<void>((resolve) => {
          const waiting = this.#awaitingOpening.get(client) ?? [];
          this.#awaitingOpening.set(client, waiting);
          waiting.push(resolve);
        });
      }
      // A turn of the event loop at most.
      while (this.#parts.resumes.includesNewRooms(client)) await new Promise(setImmediate);
      return this.#joinOrRefuse(client, room, { ...options, isCancelled }, false);
    });
  }

  /** Records that the stream of a client has opened or ended. */
  opened(client: SseClient): void {
    if (this.#awaitingOpening.size === 0) return;
    const waiting = this.#awaitingOpening.get(client) ?? [];
    this.#awaitingOpening.delete(client);
    for (const resolve of waiting) resolve();
  }

  /**
   * Asks again whether a client may be in rooms that it is in, and takes it out of those that are refused.
   *
   * @param room default: all rooms of the client
   * @throws the error of the application, as in `RoomAuthorizer.allowed`
   */
  async reauthorize(client: SseClient, room: string | undefined): Promise<void> {
    const rooms = room === undefined ? client.roomNames() : [room].filter((each) => client.isIn(each));
    const answer = this.#parts.authorizer.allowed(client, rooms);
    const allowed = new Set(
      await answer.catch((error: unknown) => {
        if (client.isClosed) return rooms;
        throw error;
      }),
    );
    const refused = rooms.filter((each) => !allowed.has(each) && client.isIn(each));
    await Promise.all(refused.map(async (each) => this.leave(client, each)));
  }

  /**
   * As `SseClient.leave`.
   *
   * @param isStored as in `ClientSession.left`
   * @returns settles when the session of the client has left the room too, if it has one
   */
  leave(client: SseClient, room: RoomName, isStored = false): Promise<void> | undefined {
    const { rooms, options, authorizer } = this.#parts;
    const name = checkRoom(room, options);
    authorizer.invalidate(client);
    this.#waiting.cancel(client, name);
    if (name === EVERYONE) rooms.leaveAll(client);
    else rooms.leave(client, name);
    return client.session?.left(name, isStored);
  }

  /** @param awaitsReplay true if the promise settles when the `replay` has been sent */
  async #joinOrRefuse(
    client: SseClient,
    name: string,
    options: CancellableJoin,
    awaitsReplay: boolean,
  ): Promise<boolean> {
    if (name === EVERYONE || client.isClosed || options.isCancelled()) return false;
    const isRunTime = this.#isRunTime(client);
    if (isRunTime && !client.isIn(name)) {
      try {
        const asked = this.#parts.authorizer.check(client, name);
        if (asked !== undefined) await asked;
      } catch (error) {
        if (client.isClosed) return false;
        // The store may have the room already, by a command to the session.
        await client.session?.refused(name);
        throw error;
      }
      if (client.isClosed || options.isCancelled()) return false;
    }
    const session = isRunTime ? client.session : undefined;
    if (client.isIn(name)) {
      await client.joining?.get(name);
      await session?.saving(name);
      return false;
    }
    checkRoomCount(client.roomCount + 1, this.#parts.options.limits?.maxRoomsPerClient ?? false);
    session?.checkRoom(name);
    const before = this.#parts.rooms.joinPoint(name);
    const joining = this.#join(client, name, options);
    if (session === undefined && (awaitsReplay || !client.connection.isOpen)) return joining;
    // A replay waits for an earlier one, and the client joins only then.
    if (!client.isIn(name) && !(await joining)) return false;
    if (!awaitsReplay) ignoreRejection(joining);
    const point = client.joining?.get(name) ?? Promise.resolve(before);
    // Stored as soon as the client receives the room, whatever a replay takes.
    const isStored = session?.joined(name, point);
    const [isSaved] = await Promise.all([isStored ?? true, awaitsReplay ? joining : point]);
    return isSaved && !client.isClosed;
  }

  async #join(client: SseClient, name: string, options: CancellableJoin): Promise<boolean> {
    const entered = this.#enter(client, name, options);
    return entered === undefined || (await entered) !== false;
  }

  /** @returns settles when the client receives the room; `false` where it was in the room. `undefined` without a wait */
  #enter(client: SseClient, name: string, options: CancellableJoin): Promise<unknown> | undefined {
    const { replay = 0, inOrderIn } = options;
    const { rooms, resumes, options: hub, partitions } = this.#parts;
    const { connection } = client;
    const { isOpen } = connection;
    if (!isOpen || connection.tracksPositionOnceJoined) connection.tracksPosition = true;
    // Events of the room wait until `attach` has sent the missed ones.
    if (!isOpen) connection.shutGate();
    const isAttaching = resumes.includesNewRooms(client);
    const replays = hasReplay(replay) && isOpen && !(isAttaching && (client.lastEventId ?? '') !== '');
    if (replays && hub.policy.hasHistory) return resumes.join(client, name, options);
    const atRunTime = isOpen && !isAttaching;
    const isCurrent = atRunTime ? partitions.whenCurrent(name, inOrderIn) : undefined;
    const { subscribed } = rooms.join(client, name, { atRunTime, isCurrent });
    if (isOpen) resumes.joined(client, name);
    // Before the stream opens `attach` waits for the room instead: the stream opens only when the handler returns.
    if (subscribed !== undefined && (!isOpen || isAttaching)) resumes.joinedBeforeSubscribed(client);
    return isOpen ? (client.joining?.get(name) ?? subscribed) : undefined;
  }

  /** False for rooms that the request, its handler or a subscriber of `connected$` joins: they join again at each reconnect. */
  #isRunTime(client: SseClient): boolean {
    return client.connection.isOpen && !this.#parts.resumes.includesNewRooms(client);
  }
}
