import type { Observable } from 'rxjs';
import type { PresenceCount } from './broker/presence-store.interface.js';
import type { DisconnectOptions, DisconnectTarget } from './commands/remote-commands.js';
import type { Presence } from './presence/presence.js';
import type { SseMember } from './presence/sse-member.js';
import type { PresenceChange } from './protocol/presence-event.js';
import { checkRoom, type RoomName } from './protocol/room-name.js';
import { ReportedPromise } from './rooms/reported-promise.js';

/** The part of `SseService` that speaks of clients of every node. */
export abstract class SsePresenceService {
  readonly #presence: Presence;

  protected constructor(presence: Presence) {
    this.#presence = presence;
  }

  /**
   * Who is in a room, over all nodes, ordered by user. All of them at once: 10,000 members with 100 bytes of info are
   * more than a megabyte.
   *
   * @returns settles when the broker has answered
   * @throws SseError `invalid-room`, `no-presence`, `broker-closed`, `broker-unavailable`: the promise rejects
   */
  async presence(room: RoomName): Promise<SseMember[]> {
    return this.#presence.members(checkRoom(room));
  }

  /**
   * How many users and streams there are in a room, over all nodes, at the same cost whatever its size.
   *
   * @returns settles when the broker has answered
   * @throws SseError `invalid-room`, `no-presence`, `broker-closed`, `broker-unavailable`: the promise rejects
   */
  async presenceCount(room: RoomName): Promise<PresenceCount> {
    return this.#presence.count(checkRoom(room));
  }

  /**
   * Each user who joins a room with the first stream, or leaves it with the last, over all nodes. A subscriber counts as
   * interest in the room. For the whole picture subscribe, and ask `presence(room)` then; ask again when `brokerState$` is
   * `live` after having been something else, for meanwhile nothing is heard. Completes when the application closes.
   *
   * @throws SseError `invalid-room`, `no-presence`
   */
  presence$(room: RoomName): Observable<PresenceChange> {
    return this.#presence.changes(checkRoom(room));
  }

  /**
   * Ends streams on every node after what is queued: that of one client by its id, those of a user, of a room, or of
   * the members of a room that fit. Browsers come back by themselves, after `retryMs`: to keep somebody out, let a guard refuse the
   * next request (401, 403), or answer it with 204.
   *
   * @returns settles when the broker has passed it on, not when the streams have ended. Nodes that the broker cannot reach
   * now do not hear of it
   * @throws SseError `invalid-arguments`, `invalid-room`, `invalid-user`, `invalid-retry`, `no-presence`, `unsupported-by-broker`,
   * `broker-closed`, `broker-unavailable`: the promise rejects. Where nobody takes it, the failure is logged.
   */
  disconnect(target: DisconnectTarget, options?: DisconnectOptions): Promise<void> {
    return ReportedPromise.of(
      () => this.#presence.remoteCommands.disconnect(target, options),
      this.#presence.report,
    );
  }

  /** @internal */
  protected leaveUser(user: unknown, room: RoomName): Promise<void> {
    return ReportedPromise.of(() => this.#presence.remoteCommands.leave(user, room), this.#presence.report);
  }
}
