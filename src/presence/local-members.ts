import type { LocalPresence } from '../broker/presence-store.interface.js';
import type { ClientIdentity } from '../protocol/user-name.js';

interface Member {
  connections: number;
  info: string | undefined;
  /** Runs where the last connection has ended and the user may come back. */
  lingers: NodeJS.Timeout | undefined;
}

/** Where the node's members are told to the others. */
export interface MembersStore {
  set(room: string, user: string, here: LocalPresence | undefined): void;
  close(graceMs: number): Promise<void>;
}

/** Who is in which room on this node, and with how many streams; the store puts the nodes together. */
export class LocalMembers {
  readonly #store: MembersStore;
  readonly #graceMs: number;
  readonly #rooms = new Map<string, Map<string, Member>>();

  /** @param graceMs how long a user whose last stream here has ended is still a member, in milliseconds */
  constructor(store: MembersStore, graceMs: number) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  enter(room: string, { user, info }: ClientIdentity): void {
    let members = this.#rooms.get(room);
    if (members === undefined) this.#rooms.set(room, (members = new Map()));
    let member = members.get(user);
    if (member === undefined) members.set(user, (member = { connections: 0, info, lingers: undefined }));
    clearTimeout(member.lingers);
    member.lingers = undefined;
    member.connections++;
    member.info = info;
    this.#store.set(room, user, { connections: member.connections, info });
  }

  /** @param mayComeBack whether the stream itself has ended: a page that is loaded again comes back */
  exit(room: string, { user }: ClientIdentity, mayComeBack: boolean): void {
    const member = this.#rooms.get(room)?.get(user);
    if (member === undefined) return;
    const { info } = member;
    const connections = --member.connections;
    if (connections > 0) return this.#store.set(room, user, { connections, info });
    if (!mayComeBack || this.#graceMs === 0) return this.#forget(room, user);
    this.#store.set(room, user, { connections: 0, info });
    member.lingers = setTimeout(() => this.#forget(room, user), this.#graceMs).unref();
  }

  /** Who is here stays a member for a while, unless they come back elsewhere: the store sees to it. */
  close(): Promise<void> {
    for (const members of this.#rooms.values()) {
      for (const { lingers } of members.values()) clearTimeout(lingers);
    }
    this.#rooms.clear();
    return this.#store.close(this.#graceMs);
  }

  #forget(room: string, user: string): void {
    const members = this.#rooms.get(room);
    members?.delete(user);
    if (members?.size === 0) this.#rooms.delete(room);
    this.#store.set(room, user, undefined);
  }
}
