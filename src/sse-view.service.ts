import { map, type Observable } from 'rxjs';
import type { BrokerState } from './broker/broker.interface.js';
import type { PresenceCount } from './broker/presence-store.interface.js';
import type { CloseReason } from './connection/close-reason.js';
import type { SseClient } from './connection/sse-client.js';
import type { Presence } from './presence/presence.js';
import type { PresenceChange } from './protocol/presence-event.js';
import { EVERYONE, checkRoom, checkRooms, type RoomName } from './protocol/input/room-name.js';
import type { SseMember } from './protocol/sse-member.js';
import { checkClient } from './rooms/publish/call-arguments.js';
import type { RoomHub } from './rooms/room-hub.js';
import { toSseMessage, type SseMessage } from './rooms/publish/sse-message.js';
import type { Rooms } from './sse-service-options.interface.js';

/** The part of `SseService` that reads: clients and rooms of this node, and events and presence of all nodes. */
export abstract class SseView<Events extends object> {
  constructor(
    protected readonly hub: RoomHub,
    private readonly allPresence: Presence,
  ) {}

  /** Emits each client when its stream opens. Completes when the application closes. */
  get connected$(): Observable<{ client: SseClient }> {
    return this.hub.observables.connected$;
  }

  /** Emits each client and the reason when its stream ends or is refused. Completes when the application closes. */
  get disconnected$(): Observable<{ client: SseClient; reason: CloseReason }> {
    return this.hub.observables.disconnected$;
  }

  /** Emits the broker's state on subscription, then each change. Events of other nodes arrive while it is `live`. */
  get brokerState$(): Observable<BrokerState> {
    return this.hub.observables.brokerState$;
  }

  /** Why `brokerState$` is not `live`, in the words of Redis or the network; otherwise `undefined`. */
  get brokerError(): Error | undefined {
    return this.hub.brokerFailure();
  }

  /** True if the client is in the room; always `true` for `'*'`, and `false` for a value that is no room name. */
  in(client: SseClient, room: RoomName): boolean {
    return checkClient('in', client).in(room);
  }

  /** A live view of the clients of a room on this node; by default of all clients. @throws SseError `invalid-room` */
  clients(room: RoomName = EVERYONE): ReadonlySet<SseClient> {
    return this.hub.clientsOf(checkRoom(room));
  }

  /** The rooms with at least one client or subscriber on this node. */
  rooms(): string[] {
    return this.hub.roomNames();
  }

  /** The size of `clients(room)`. @throws SseError `invalid-room` */
  count(room: RoomName = EVERYONE): number {
    return this.clients(room).size;
  }

  /**
   * All members of a room over all nodes, ordered by user, in one list: 10,000 members with 100 bytes of info take more
   * than a megabyte. Settles when the broker has answered.
   * @throws SseError `invalid-room`, `no-presence`, `broker-closed`, `broker-unavailable`: the promise rejects
   */
  async presence(room: RoomName): Promise<SseMember[]> {
    return this.allPresence.members(checkRoom(room));
  }

  /** The number of users and streams in a room over all nodes, at the same cost for any size. Rejects as `presence` does. */
  async presenceCount(room: RoomName): Promise<PresenceCount> {
    return this.allPresence.count(checkRoom(room));
  }

  /**
   * Emits each user that joins a room with the first stream, or leaves it with the last, over all nodes. A subscriber counts
   * as interest in the room. For a complete list, subscribe first and call `presence(room)` then. The joins and leaves of a user
   * alternate. Changes that an outage hid follow within 20 s after it. Completes when the application closes. Throws as
   * `presence` rejects.
   */
  presence$(room: RoomName): Observable<PresenceChange> {
    return this.allPresence.changes(checkRoom(room));
  }

  /**
   * Emits the events of a room, from all nodes, and completes when the application closes. A subscriber counts as interest in
   * the room, as a client does. @throws SseError `invalid-room`
   */
  stream(room: RoomName): Observable<SseMessage<Events>> {
    const name = checkRoom(room);
    return this.hub.observeRoom(name).pipe(map((message) => toSseMessage<Events>(name, message)));
  }

  /**
   * The current position, for a page rendered with the current state. The page opens its stream with it as `?lastEventId=`,
   * and the stream begins with the events published in between. `undefined` with `history: false`. `rooms` are those of the
   * page's stream; without partitions one position serves all rooms.
   * @throws SseError `invalid-room`: the promise rejects
   */
  async position(rooms: Rooms = EVERYONE): Promise<string | undefined> {
    return this.hub.position(checkRooms(rooms));
  }
}
