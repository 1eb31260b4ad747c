import { clientLabel } from '../logs/client-label.js';
import type { Observable } from 'rxjs';
import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { CallbackFailures } from '../callbacks/callback-failures.js';
import { IsolatedObservable } from '../callbacks/isolated-observable.js';
import type { PresenceCount, PresenceStore } from '../broker/presence-store.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { settledWithin } from '../protocol/promises/deadline.js';
import { parsePresenceEvent, type PresenceChange } from '../protocol/presence-event.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { SseMember } from '../protocol/sse-member.js';
import { checkIdentity, type SseIdentity } from '../protocol/input/user-name.js';
import { LocalMembers } from './local-members.js';
import { PresenceChanges } from './presence-changes.js';
import type { PresenceHost, PresencePolicy } from './presence-host.interface.js';
import { PresenceStores } from './presence-stores.js';
import { PresenceReconciler } from './presence-reconciler.js';
import { toMember } from './to-member.js';

/** Longest time, in milliseconds, that a list of members waits for the room's subscription. After it the store is asked anyway. */
const SUBSCRIBED_WITHIN_MS = 5_000;

/** Returns the user of a client; `undefined` for a client without a user, which is no member of any room. */
export type Identify = (client: SseClient) => SseIdentity | undefined;

export interface PresenceOptions {
  readonly broker: PartitionedBroker;
  readonly policy: PresencePolicy;
  readonly identify: Identify | undefined;
  /** True where clients of this process may have a user, from `identify` or a ticket. */
  readonly hasUsers: boolean;
  readonly presenceGraceMs: number | false;
  readonly callbacks: CallbackFailures;
}

/** Identifies the clients of this node, reports them to the presence store, and reads the presence of all nodes. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #stores: PresenceStores;
  readonly #changes = new PresenceChanges();
  #host: PresenceHost | undefined;
  #members: LocalMembers | undefined;
  /** Clients whose room the broker does not deliver to this node yet. */
  readonly #entering = new Set<string>();
  #reconciler: PresenceReconciler | undefined;

  /** @throws SseError `unsupported-by-broker` where a room has presence and the broker does not support it */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#stores = new PresenceStores(options.broker);
    if (options.policy.hasPresence && !this.#stores.areComplete) {
      throw new SseError(
        'unsupported-by-broker',
        'A room has presence, and the broker has none. Take presence: true away, or give the broker a `presence`.',
      );
    }
  }

  /** Called once, after the broker has started. */
  start(host: PresenceHost): void {
    const { policy, presenceGraceMs, hasUsers } = this.#options;
    this.#host = host;
    if (!policy.hasPresence) return;
    this.#reconciler = new PresenceReconciler((room) => this.#stores.of(room), host);
    // A process without HTTP asks for the members of other nodes, and has none itself.
    if (!hasUsers) return;
    this.#members = new LocalMembers(this.#stores, presenceGraceMs || 0);
    this.#stores.open();
  }

  /** All members of a room over all nodes, ordered by user. */
  async members(room: string): Promise<SseMember[]> {
    const store = this.#storeOf(room);
    // A caller that subscribed to the changes before then receives every change that is newer than the list.
    // A failed subscription is no failure of this call: the store rejects by itself where it cannot be reached.
    const subscribed = this.#host?.whenSubscribed(room);
    if (subscribed !== undefined) await settledWithin(subscribed, SUBSCRIBED_WITHIN_MS);
    const members = (await store.members(room)).map(toMember);
    return members.toSorted((a, b) => (a.user < b.user ? -1 : 1));
  }

  async count(room: string): Promise<PresenceCount> {
    return this.#storeOf(room).count(room);
  }

  changes(room: string): Observable<PresenceChange> {
    this.#storeOf(room);
    const changes = this.#changes.of(room, this.#host as PresenceHost);
    return new IsolatedObservable('presence$', this.#options.callbacks, (subscriber) => {
      this.#reconciler?.enter(room);
      const subscription = changes.subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        this.#reconciler?.exit(room);
      };
    });
  }

  /** Identifies a client whose stream is about to open. */
  identify(client: SseClient): void {
    const { identify, callbacks } = this.#options;
    if (identify === undefined) return;
    const set = (): void => {
      const identity: unknown = identify(client);
      ignoreRejection(identity);
      client.identity = checkIdentity(identity);
    };
    callbacks.run('identify', set, () => clientLabel(client));
  }

  /** Enters a client whose stream has opened in the rooms that it joined before. */
  clientOpened(client: SseClient): void {
    if (client.identity === undefined || this.#members === undefined) return;
    for (const room of client.roomNames()) this.#enter(client, room);
  }

  clientJoined(client: SseClient, room: string): void {
    if (this.#options.policy.publishesPresenceEvents(room)) this.#reconciler?.enter(room);
    this.#enter(client, room);
  }

  clientLeft(client: SseClient, room: string): void {
    if (this.#options.policy.publishesPresenceEvents(room)) this.#reconciler?.exit(room);
    const { identity, connection } = client;
    if (identity === undefined || !this.#options.policy.isPresenceRoom(room)) return;
    if (this.#entering.delete(entryOf(client, room))) return;
    this.#members?.exit(room, identity, connection.isClosed);
  }

  /**
   * Emits the presence change that a message carries, if it is one, to the application's subscribers.
   *
   * @returns `false` for a presence change that clients do not receive: their room has no presence events, or the change
   * was emitted before
   */
  messageReceived(message: RoomMessage): boolean {
    const change = changeOf(message);
    if (change === undefined) return true;
    if (this.#reconciler?.observe(change) === false) return false;
    this.#changes.emit(change);
    return this.#options.policy.publishesPresenceEvents(change.room);
  }

  /** Compares what this node has emitted with the lists of members, since changes may have been lost. */
  messagesLost(): void {
    this.#reconciler?.handleInterruption();
  }

  /** Called when all streams have ended, before the broker closes. */
  async closing(): Promise<void> {
    this.#reconciler?.close();
    await this.#members?.close();
    this.#members = undefined;
  }

  /**
   * Enters a client in a room, once the broker delivers the room to this node: the first client of a room would not receive
   * its own join otherwise.
   */
  #enter(client: SseClient, room: string): void {
    const { identity } = client;
    if (identity === undefined || !this.#options.policy.isPresenceRoom(room)) return;
    const subscribed = this.#host?.whenSubscribed(room);
    if (subscribed === undefined) return this.#members?.enter(room, identity);
    const key = entryOf(client, room);
    this.#entering.add(key);
    const enterUnlessLeft = (): void => {
      if (this.#entering.delete(key)) this.#members?.enter(room, identity);
    };
    subscribed.then(enterUnlessLeft, enterUnlessLeft);
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

function entryOf(client: SseClient, room: string): string {
  return `${client.id} ${room}`;
}

/** Presence stores publish changes without a position, and only in the room that the change names. */
function changeOf(message: RoomMessage): PresenceChange | undefined {
  const change = parsePresenceEvent(message);
  return change !== undefined && !message.replayable && message.rooms.includes(change.room)
    ? change
    : undefined;
}
