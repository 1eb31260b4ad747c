import { presenceEvent, type PresenceChange } from '../../protocol/presence-event.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import type {
  PresenceCount,
  PresenceStore,
  PresentUser,
  LocalPresence,
} from '../presence-store.interface.js';

/** Stores the members of rooms for a single node, so that local presence is all presence. */
export class MemoryPresence implements PresenceStore {
  readonly #rooms = new Map<string, Map<string, LocalPresence>>();
  readonly #deliver: (room: string, event: RoomEvent) => void;
  readonly #assertRunning: () => void;
  #closed = false;

  /**
   * @param deliver delivers a presence event without a position to the room
   * @param assertRunning throws if the broker is not running
   */
  constructor(deliver: (room: string, event: RoomEvent) => void, assertRunning: () => void) {
    this.#deliver = deliver;
    this.#assertRunning = assertRunning;
  }

  open(): void {}

  set(room: string, user: string, local: LocalPresence | undefined): void {
    if (this.#closed) return;
    let users = this.#rooms.get(room);
    const before = users?.get(user);
    if (local !== undefined) {
      if (users === undefined) this.#rooms.set(room, (users = new Map()));
      users.set(user, local);
      if (before === undefined) this.#change('join', room, user, local);
    } else if (before !== undefined) {
      users?.delete(user);
      if (users?.size === 0) this.#rooms.delete(room);
      this.#change('leave', room, user, before);
    }
  }

  async members(room: string): Promise<readonly PresentUser[]> {
    this.#assertRunning();
    return Array.from(this.#rooms.get(room) ?? [], ([user, local]) => ({ user, ...local }));
  }

  async count(room: string): Promise<PresenceCount> {
    this.#assertRunning();
    const present = [...(this.#rooms.get(room)?.values() ?? [])];
    return {
      users: present.length,
      connections: present.reduce((sum, { connections }) => sum + connections, 0),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rooms.clear();
  }

  #change(type: PresenceChange['type'], room: string, user: string, { info }: LocalPresence): void {
    this.#deliver(room, presenceEvent(type, room, user, info));
  }
}
