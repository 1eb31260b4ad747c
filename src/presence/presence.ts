import type { Observable } from 'rxjs';
import type { PartitionedBroker, SseBroker } from '../broker/broker.interface.js';
import type { PresenceCount, PresenceStore } from '../broker/presence-store.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { parsePresenceEvent, type PresenceChange } from '../protocol/presence-event.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE } from '../protocol/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { checkIdentity, type SseIdentity } from '../protocol/user-name.js';
import { LocalMembers } from './local-members.js';
import { RemoteCommands } from '../commands/remote-commands.js';
import { PresenceChanges } from './presence-changes.js';
import type { PresenceHost, PresencePolicy } from './presence-host.interface.js';
import { PresenceStores } from './presence-stores.js';
import { toMember, type SseMember } from './sse-member.js';

/** How long a list of members waits for the room to be heard: after that, the broker cannot be asked either. */
const HEARD_WITHIN_MS = 5_000;

/** Who a client is; `undefined`: nobody in particular, and no member of any room. */
export type Identify = (client: SseClient) => SseIdentity | undefined;

export interface PresenceOptions {
  readonly broker: SseBroker | PartitionedBroker;
  readonly policy: PresencePolicy;
  readonly identify: Identify | undefined;
  readonly presenceGraceMs: number | false;
  /** Failures that no caller takes. */
  readonly report: (error: unknown) => void;
}

/** Who of this node's clients is who, what the store is told of it, and what it says of all nodes. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #stores: PresenceStores;
  readonly #changes = new PresenceChanges();
  readonly remoteCommands: RemoteCommands;
  #host: PresenceHost | undefined;
  #members: LocalMembers | undefined;

  /** @throws SseError `unsupported-by-broker` where a room has presence and the broker does not know how */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#stores = new PresenceStores(options.broker);
    if (options.policy.hasPresence && !this.#stores.areAllThere) {
      throw new SseError(
        'unsupported-by-broker',
        'A room has presence, and the broker has none. Take presence: true away, or give the broker a `presence`.',
      );
    }
    this.remoteCommands = new RemoteCommands(options.broker, (room) => this.members(room));
  }

  get report(): (error: unknown) => void {
    return this.#options.report;
  }

  /** The broker has started. */
  start(host: PresenceHost): void {
    const { policy, presenceGraceMs } = this.#options;
    this.#host = host;
    this.remoteCommands.start(host);
    if (!policy.hasPresence) return;
    this.#members = new LocalMembers(this.#stores, presenceGraceMs || 0);
    this.#stores.open();
  }

  /** Everybody in a room, by name. */
  async members(room: string): Promise<SseMember[]> {
    const store = this.#storeOf(room);
    // Who has subscribed to the changes first is told of each that the list does not have.
    await inTime(this.#host?.whenSubscribed(room));
    const members = (await store.members(room)).map(toMember);
    return members.toSorted((a, b) => (a.user < b.user ? -1 : 1));
  }

  async count(room: string): Promise<PresenceCount> {
    return this.#storeOf(room).count(room);
  }

  changes(room: string): Observable<PresenceChange> {
    this.#storeOf(room);
    return this.#changes.of(room, this.#host as PresenceHost);
  }

  /** Its stream is open: it gets a name, and is present in the rooms that it has joined. */
  clientOpened(client: SseClient): void {
    try {
      client.identity = checkIdentity(this.#options.identify?.(client));
    } catch (error) {
      this.#options.report(error);
    }
    if (client.identity === undefined || this.#members === undefined) return;
    for (const room of client.roomNames()) this.clientJoined(client, room);
  }

  clientJoined(client: SseClient, room: string): void {
    const { identity } = client;
    if (identity !== undefined && this.#options.policy.isPresenceRoom(room))
      this.#members?.enter(room, identity);
  }

  clientLeft(client: SseClient, room: string): void {
    const { identity, connection } = client;
    if (identity === undefined || !this.#options.policy.isPresenceRoom(room)) return;
    this.#members?.exit(room, identity, connection.isClosed);
  }

  /** @returns whether those in its rooms may hear the event */
  admits(message: RoomMessage): boolean {
    const change = parsePresenceEvent(message);
    if (change === undefined || message.replayable || !message.rooms.includes(change.room)) return true;
    this.#changes.emit(change);
    return this.#options.policy.publishesPresenceEvents(change.room);
  }

  controlReceived(text: string): void {
    this.remoteCommands.execute(text);
  }

  /** All streams have ended, and the broker is about to be closed. */
  async closing(): Promise<void> {
    await this.#members?.close();
    this.#members = undefined;
  }

  #storeOf(room: string): PresenceStore {
    const store = this.#stores.of(room);
    if (store === undefined || !this.#options.policy.isPresenceRoom(room)) {
      throw new SseError(
        'no-presence',
        room === EVERYONE
          ? 'Everyone, "*", has no presence. Let clients join a room of their own, such as "online".'
          : `The room "${room}" has no presence. Set presence: true for its name in the option "rooms" of SseModule.`,
      );
    }
    return store;
  }
}

async function inTime(pending: Promise<void> | undefined): Promise<void> {
  if (pending === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, HEARD_WITHIN_MS).unref();
  });
  // The failure, too, is the broker's to tell when it is asked.
  await Promise.race([pending.catch(() => {}), late]);
  clearTimeout(timer);
}
