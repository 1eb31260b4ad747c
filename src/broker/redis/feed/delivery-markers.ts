import type { LocalRooms } from './local-rooms.js';
import type { SyncMarkers } from './sync-markers.js';

interface MarkedFeed {
  readonly phase: 'down' | 'syncing' | 'live';
  /** Rejects when the feed is closed. */
  whenLive(): Promise<void>;
}

/** Tells when a feed has delivered what was published before a moment: a marker of this node has followed it. */
export class DeliveryMarkers {
  readonly #markers: Pick<SyncMarkers, 'roundTrip'>;
  readonly #rooms: Pick<LocalRooms, 'hasSubscribed'>;
  readonly #feed: MarkedFeed;
  /** Settles with a marker that is not sent yet. */
  #next: Promise<void> | undefined;

  constructor(
    markers: Pick<SyncMarkers, 'roundTrip'>,
    rooms: Pick<LocalRooms, 'hasSubscribed'>,
    feed: MarkedFeed,
  ) {
    this.#markers = markers;
    this.#rooms = rooms;
    this.#feed = feed;
  }

  /** Settles when everything published before the call has been delivered, or when the connection is lost. */
  async whenDelivered(): Promise<void> {
    if (this.#feed.phase === 'down' || !this.#rooms.hasSubscribed) return;
    await this.#markers.roundTrip(() => {}).catch(() => {});
  }

  /** As in `SseBroker.whenCurrent`. Calls of one turn share a marker. */
  whenCurrent(): Promise<void> {
    return (this.#next ??= Promise.resolve().then(() => {
      this.#next = undefined;
      return this.#pass();
    }));
  }

  async #pass(): Promise<void> {
    for (;;) {
      await this.#feed.whenLive();
      try {
        return await this.#markers.roundTrip(() => {});
      } catch (error) {
        // A lost connection: the next one reads what was missed, and another marker follows it.
        if (this.#feed.phase === 'live') throw error;
      }
    }
  }
}
