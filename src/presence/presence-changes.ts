import { Observable, type Subscriber } from 'rxjs';
import type { PresenceChange } from '../protocol/presence-event.js';
import type { PresenceHost } from './presence-host.interface.js';

/** Who listens to the joining and leaving in which room. */
export class PresenceChanges {
  readonly #rooms = new Map<string, Set<Subscriber<PresenceChange>>>();

  /** A subscriber counts as interest in the room. Completes when the application closes. */
  of(room: string, host: PresenceHost): Observable<PresenceChange> {
    return new Observable((subscriber) => {
      let listeners = this.#rooms.get(room);
      if (listeners === undefined) this.#rooms.set(room, (listeners = new Set()));
      const own = listeners.add(subscriber);
      const interest = host.observeRoom(room).subscribe({ complete: () => subscriber.complete() });
      return () => {
        interest.unsubscribe();
        own.delete(subscriber);
        if (own.size === 0 && this.#rooms.get(room) === own) this.#rooms.delete(room);
      };
    });
  }

  emit(change: PresenceChange): void {
    for (const listener of this.#rooms.get(change.room) ?? []) listener.next(change);
  }
}
