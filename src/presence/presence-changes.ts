import { Observable, type Subscriber } from 'rxjs';
import type { PresenceChange } from '../protocol/presence-event.js';
import type { PresenceHost } from './presence-host.interface.js';

/** Subscribers of the application to the presence changes of rooms. */
export class PresenceChanges {
  readonly #rooms = new Map<string, Set<Subscriber<PresenceChange>>>();

  /** Changes of one room. A subscriber counts as interest in the room. Completes when the application closes. */
  of(room: string, host: PresenceHost): Observable<PresenceChange> {
    return new Observable((subscriber) => {
      let subscribers = this.#rooms.get(room);
      if (subscribers === undefined) this.#rooms.set(room, (subscribers = new Set()));
      const roomSubscribers = subscribers.add(subscriber);
      const interest = host.observeRoom(room).subscribe({ complete: () => subscriber.complete() });
      return () => {
        interest.unsubscribe();
        roomSubscribers.delete(subscriber);
        if (roomSubscribers.size === 0 && this.#rooms.get(room) === roomSubscribers) this.#rooms.delete(room);
      };
    });
  }

  emit(change: PresenceChange): void {
    for (const subscriber of this.#rooms.get(change.room) ?? []) subscriber.next(change);
  }
}
