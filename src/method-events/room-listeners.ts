import { Subscription } from 'rxjs';
import { PARAMETER, patternOf } from '../protocol/input/room-template.js';
import type { PublishedEvent } from '../rooms/publish/event-publisher.js';
import { toSseMessage, type SseMessage } from '../rooms/publish/sse-message.js';
import { matchesRoomPattern } from '../rooms/room-pattern.js';
import type { RoomHub } from '../rooms/room-hub.js';
import type { ListeningMethod } from './on-room.decorator.js';

/** A method of an object of the application. */
export interface Listener extends ListeningMethod {
  /** The method, such as `Mails.onPaid()`. */
  readonly label: string;
  readonly call: (message: SseMessage) => unknown;
}

/** Passes events to the listening methods of one application. */
export class RoomListeners {
  readonly #hub: RoomHub;
  readonly #own: (Listener & { readonly fits: (room: string) => boolean })[] = [];
  readonly #subscriptions = new Subscription();

  constructor(hub: RoomHub) {
    this.#hub = hub;
  }

  add(listener: Listener): void {
    const { room, event } = listener;
    if (listener.nodes === 'all') {
      const messages = this.#hub.observeRoom(room);
      this.#subscriptions.add(
        messages.subscribe((message) => {
          if (event === undefined || event === message.event)
            this.#call(listener, toSseMessage<object>(room, message));
        }),
      );
      return;
    }
    this.#own.push({ ...listener, fits: fitting(room) });
    // Without listeners a publish has nothing to compare.
    this.#hub.events.onPublished = this.#published;
  }

  close(): void {
    this.#hub.events.onPublished = undefined;
    this.#subscriptions.unsubscribe();
  }

  /** Calls each method once for an event, also for one of several rooms. */
  readonly #published = (published: PublishedEvent): void => {
    for (const listener of this.#own) {
      if (listener.event !== undefined && listener.event !== published.event) continue;
      const room = published.rooms.find(listener.fits);
      if (room !== undefined) this.#call(listener, toSseMessage<object>(room, published));
    }
  };

  #call({ label, call }: Listener, message: SseMessage): void {
    this.#hub.callbacks.run(
      '@OnRoom',
      () => call(message),
      () => `${label}, room ${message.room}`,
    );
  }
}

function fitting(room: string): (name: string) => boolean {
  const hasParameters = room.search(PARAMETER) >= 0;
  if (hasParameters && !room.includes('*')) {
    const pattern = patternOf(room);
    return (name) => pattern.test(name);
  }
  const pattern = room.replace(PARAMETER, '*');
  return (name) => matchesRoomPattern(pattern, name);
}
