import { presenceEvent, type PresenceChange } from '../protocol/presence-event.js';
import type { RoomEvent } from '../protocol/room-message.js';
import type { PresenceCount, PresenceStore, PresentUser, LocalPresence } from './presence-store.interface.js';

/** Who is where, for a single node: what it has is all there is. */
export class MemoryPresence implements PresenceStore {
  readonly #rooms = new Map<string, Map<string, LocalPresence>>();
  readonly #tell: (room: string, event: RoomEvent) => void;
  readonly #check: () => void;
  #closed = false;

  /**
   * @param tell delivers a change to the room, as an event without a position
   * @param check throws where the broker does not run
   */
  constructor(tell: (room: string, event: RoomEvent) => void, check: () => void) {
    this.#tell = tell;
    this.#check = check;
  }

  open(): void {}

  set(room: string, user: string, here: LocalPresence | undefined): void {
    if (this.#closed) return;
    let users = this.#rooms.get(room);
    const before = users?.get(user);
    if (here !== undefined) {
      if (users === undefined) this.#rooms.set(room, (users = new Map()));
      users.set(user, here);
      if (before === undefined) this.#change('join', room, user, here);
    } else if (before !== undefined) {
      users?.delete(user);
      if (users?.size === 0) this.#rooms.delete(room);
      this.#change('leave', room, user, before);
    }
  }

  async members(room: string): Promise<readonly PresentUser[]> {
    this.#check();
    return Array.from(this.#rooms.get(room) ?? [], ([user, here]) => ({ user, ...here }));
  }

  async count(room: string): Promise<PresenceCount> {
    this.#check();
    const here = [...(this.#rooms.get(room)?.values() ?? [])];
    return { users: here.length, connections: here.reduce((sum, { connections }) => sum + connections, 0) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rooms.clear();
  }

  #change(type: PresenceChange['type'], room: string, user: string, { info }: LocalPresence): void {
    this.#tell(room, presenceEvent(type, room, user, info));
  }
}
