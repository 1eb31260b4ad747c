import type { LocalPresence } from '../broker/presence-store.interface.js';
import type { ClientIdentity } from '../protocol/input/user-name.js';

interface Member {
  connections: number;
  info: string | undefined;
  /** Removes the member when the grace time after its last stream is over. */
  graceTimer: NodeJS.Timeout | undefined;
}

/** Receives the members of this node, to combine them with those of other nodes. */
export interface MembersStore {
  set(room: string, user: string, local: LocalPresence | undefined): void;
  close(graceMs: number): Promise<void>;
}

/** Counts the streams of each user in each room on this node, and reports every change to the store. */
export class LocalMembers {
  readonly #store: MembersStore;
  readonly #graceMs: number;
  readonly #rooms = new Map<string, Map<string, Member>>();

  /** @param graceMs how long a user stays a member after the last stream on this node has ended, in milliseconds */
  constructor(store: MembersStore, graceMs: number) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  /** Counts one more stream of a user in a room. */
  enter(room: string, { user, info }: ClientIdentity): void {
    let members = this.#rooms.get(room);
    if (members === undefined) this.#rooms.set(room, (members = new Map()));
    let member = members.get(user);
    if (member === undefined) members.set(user, (member = { connections: 0, info, graceTimer: undefined }));
    clearTimeout(member.graceTimer);
    member.graceTimer = undefined;
    member.connections++;
    member.info = info;
    this.#store.set(room, user, { connections: member.connections, info });
  }

  /**
   * Counts one stream of a user in a room less.
   *
   * @param streamEnded whether the stream itself has ended, and not only left the room. The user then stays a member for
   * the grace time, since a page that is reloaded reconnects
   */
  exit(room: string, { user }: ClientIdentity, streamEnded: boolean): void {
    const member = this.#rooms.get(room)?.get(user);
    if (member === undefined) return;
    const { info } = member;
    const connections = --member.connections;
    if (connections > 0) return this.#store.set(room, user, { connections, info });
    if (!streamEnded || this.#graceMs === 0) return this.#remove(room, user);
    this.#store.set(room, user, { connections: 0, info });
    member.graceTimer = setTimeout(() => this.#remove(room, user), this.#graceMs).unref();
  }

  /** Ends this node's part. The store keeps its members for the grace time, in which they may reconnect to other nodes. */
  close(): Promise<void> {
    for (const members of this.#rooms.values()) {
      for (const { graceTimer } of members.values()) clearTimeout(graceTimer);
    }
    this.#rooms.clear();
    return this.#store.close(this.#graceMs);
  }

  #remove(room: string, user: string): void {
    const members = this.#rooms.get(room);
    members?.delete(user);
    if (members?.size === 0) this.#rooms.delete(room);
    this.#store.set(room, user, undefined);
  }
}
