import type { ConnectionOptions, OpenConnection, SourceEvents } from '../connection/source.interface.js';
import type { ClientCore } from '../share/client-core.interface.js';
import type { WireEvent } from '../transport/event-parser.js';
import { JoinedRooms } from './joined-rooms.js';
import { newKey, pageUrl } from './rooms-platform.js';
import { requestsOf } from './room-requests.js';
import type { RefusedRoom } from './rooms-options.interface.js';
import type { TabRoom } from './tab-room.interface.js';

/** Data of the event `sse:joined`, which the client itself makes for its tabs. */
export interface JoinedEvent {
  readonly joined: readonly string[];
  readonly refused: readonly RefusedRoom[];
  /** Rooms that a lost session has lost. */
  readonly lost?: readonly string[];
}

/** A connection whose stream has a session, and the rooms of this session that tabs use. */
export class RoomConnection implements OpenConnection {
  readonly #events: SourceEvents;
  readonly #connection: OpenConnection;
  readonly #rooms: JoinedRooms;
  /** Rooms by tab. */
  readonly #users = new Map<string, ReadonlySet<string>>();
  /** Rooms of a lost session. Their gap is reported once they are joined again: a page that loads its state then misses nothing. */
  readonly #lost = new Set<string>();
  /** Rooms whose gap was reported since they were lost. A tab may still say that they are lost: it hears of the gap later. */
  readonly #reported = new Set<string>();
  /** Rooms of the event that follows. */
  #named: { readonly rooms: readonly string[]; readonly event?: string } | undefined;
  #id: string;
  /** True if the session was never used: a gap of the session then says nothing. */
  #isNew: boolean;

  /** @param url absolute */
  constructor(core: ClientCore, url: string, options: ConnectionOptions, events: SourceEvents) {
    const address = new URL(url);
    const named = address.searchParams.get('session');
    const session = named ?? options.session ?? newKey();
    if (named === null) address.search += `${address.search === '' ? '' : '&'}session=${session}`;
    this.#isNew = (named ?? options.session) === undefined;
    this.#events = events;
    this.#id = options.lastEventId ?? '';
    this.#rooms = new JoinedRooms({
      session,
      request: requestsOf(options, pageUrl() ?? url),
      maxRetryMs: options.maxRetryMs,
      onAnswer: (joined, refused) => this.#answered(joined, refused),
    });
    this.#connection = new core.Connection(
      address.href,
      { ...options, words: ',rooms' },
      {
        ...events,
        names: () => ['sse:rooms', ...events.names()],
        event: (event) => this.#received(event),
        position: (id) => {
          this.#id = id;
          events.position?.(id);
        },
        state: (state, detail) => {
          if (state !== 'live' && state !== 'stale') this.#rooms.pause();
          events.state(state, detail);
        },
      },
    );
  }

  listen(name: string): void {
    // The rooms of an event of this name that nobody listened to.
    this.#named = undefined;
    this.#connection.listen(name);
  }

  wake(): void {
    this.#connection.wake();
  }

  close(): void {
    this.#rooms.close();
    this.#connection.close();
  }

  /** Replaces the rooms that a tab uses, and tells it which of them are joined. */
  use(rooms: readonly TabRoom[], tab = ''): void {
    this.#users.set(tab, new Set(rooms.map(([room]) => room)));
    for (const [room, state] of rooms) {
      if (state === 'joined' && !this.#rooms.hasBegun) this.#rooms.believe(room);
    }
    this.#want();
    const lost = rooms.filter(
      ([room, state]) =>
        (state === 'lost' && !this.#reported.has(room)) || (state === 'joined' && !this.#rooms.has(room)),
    );
    for (const [room] of lost) this.#lost.add(room);
    const untold = rooms.filter(([room, state]) => state !== 'joined' && this.#rooms.has(room));
    if (untold.length > 0) {
      this.#answered(
        untold.map(([room]) => room),
        [],
      );
    }
  }

  #want(): void {
    this.#rooms.want(new Set([...this.#users.values()].flatMap((rooms) => [...rooms])));
  }

  #answered(joined: readonly string[], refused: readonly RefusedRoom[]): void {
    for (const { room } of refused) {
      this.#lost.delete(room);
      // Each tab drops it when it hears this. One that asks again later is another request.
      for (const [tab, rooms] of this.#users) {
        this.#users.set(tab, new Set([...rooms].filter((each) => each !== room)));
      }
    }
    this.#want();
    this.#tell('sse:joined', { joined, refused } satisfies JoinedEvent);
    const rooms = joined.filter((room) => this.#lost.delete(room));
    for (const room of rooms) this.#reported.add(room);
    if (rooms.length > 0) this.#tell('sse:gap', { rooms, reason: 'session' });
  }

  /** Passes an event on to all tabs, as if the server had sent it. */
  #tell(name: string, data: unknown): void {
    this.#events.event({ name, text: JSON.stringify(data), id: this.#id });
  }

  #received(event: WireEvent): void {
    const { name, text } = event;
    if (name === 'sse:rooms') {
      this.#named = JSON.parse(text) as { rooms: string[]; event?: string };
      return;
    }
    const named = this.#named;
    this.#named = undefined;
    this.#id = event.id;
    if (name === 'sse:ready') this.#began(text);
    if (name === 'sse:gap' && this.#isKnownGap(text)) return;
    this.#events.event(
      named !== undefined && (named.event ?? 'message') === name ? { ...event, rooms: named.rooms } : event,
    );
  }

  #began(text: string): void {
    const { restored = [] } = JSON.parse(text) as { restored?: readonly string[] };
    if (this.#rooms.hasBegun) this.#isNew = false;
    const lost = this.#rooms.began(restored);
    for (const room of lost) {
      this.#lost.add(room);
      this.#reported.delete(room);
    }
    if (lost.length > 0) this.#tell('sse:joined', { joined: [], refused: [], lost } satisfies JoinedEvent);
  }

  /** Returns true for the gap of a lost session that is reported when its rooms are joined again, or that loses nothing. */
  #isKnownGap(text: string): boolean {
    const { reason } = JSON.parse(text) as { reason: string };
    return reason === 'session' && (this.#isNew || this.#lost.size > 0);
  }
}
