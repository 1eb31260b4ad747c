import type { Source, SourceEvents } from '../connection/source.interface.js';
import type { ClientCore } from '../share/client-core.interface.js';
import type { SseClientError } from '../sse-client-error.js';
import type { SseGap } from '../sse-event.js';
import type { WireEvent } from '../transport/event-parser.js';
import type { JoinedEvent } from './room-connection.js';
import type { RoomUse, TabRoom, TabRoomState } from './tab-room.interface.js';

/** One call of `live.room()`. */
interface Use {
  settle(error?: SseClientError): void;
}

interface UsedRoom {
  state: TabRoomState;
  readonly uses: Set<Use>;
}

/** The rooms that one tab uses: they are left with the last use. */
export class TabRooms implements Source {
  readonly #core: ClientCore;
  readonly #events: SourceEvents;
  readonly #source: Source;
  readonly #rooms = new Map<string, UsedRoom>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(core: ClientCore, events: SourceEvents, open: (events: SourceEvents) => Source) {
    this.#core = core;
    this.#events = events;
    this.#source = open({
      ...events,
      names: () => new Set(Array.from(events.names(), nameOf)),
      event: (event) => this.#received(event),
      state: (state, detail) => {
        if (state === 'closed') this.#end();
        events.state(state, detail);
      },
    });
  }

  /** @param key name of an event, with a room and a line break in front where it is for one room */
  listen(key: string): void {
    this.#source.listen(nameOf(key));
  }

  close(): void {
    this.#source.close();
  }

  async room(name: string): Promise<RoomUse | undefined> {
    if (this.#isClosed) return undefined;
    let settle!: Use['settle'];
    const settled = new Promise<SseClientError | undefined>((resolve) => (settle = resolve));
    const use = { settle };
    let isAwaited = false;
    void settled.then((error) => {
      // One turn later: a page may wait for one room after the other.
      setTimeout(() => {
        if (!isAwaited && error?.code === 'room-refused') this.#events.error(error);
      });
    });
    const left = (): void =>
      settle(new this.#core.SseClientError('left', `${name} was left before it was joined.`));
    this.#add(name, use);
    return {
      get joined() {
        isAwaited = true;
        return settled.then((error) => {
          if (error !== undefined) throw error;
        });
      },
      leave: () => {
        left();
        this.#remove(name, use);
      },
    };
  }

  #add(name: string, use: Use): void {
    const room = this.#rooms.get(name) ?? { state: 'new', uses: new Set() };
    this.#rooms.set(name, room);
    room.uses.add(use);
    if (room.state === 'joined') use.settle();
    else this.#sendSoon();
  }

  #remove(name: string, use: Use): void {
    const room = this.#rooms.get(name);
    if (room?.uses.delete(use) !== true || room.uses.size > 0) return;
    this.#rooms.delete(name);
    this.#sendSoon();
  }

  /** Sends the rooms in use at the end of this turn. */
  #sendSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isClosed) this.#send();
    });
  }

  /** Sends the states of the rooms again: a later leader takes over from the last message. */
  #sendStates(): void {
    if (this.#rooms.size > 0) this.#sendSoon();
  }

  #send(): void {
    const rooms = Array.from(this.#rooms, ([name, { state }]): TabRoom => [name, state]);
    this.#source.use?.(rooms);
  }

  #received(event: WireEvent): void {
    const { name, text, rooms = [] } = event;
    if (name === 'sse:joined') return this.#changed(JSON.parse(text) as JoinedEvent);
    if (name === 'sse:gap') this.#reported(JSON.parse(text) as SseGap);
    this.#events.event(event);
    for (const room of rooms) {
      if (this.#rooms.has(room)) this.#events.event({ ...event, name: `${room}\n${name}` });
    }
  }

  /** The gap of a lost session: its rooms are joined again. */
  #reported({ rooms, reason }: SseGap): void {
    if (reason !== 'session') return;
    for (const name of rooms) {
      const room = this.#rooms.get(name);
      if (room?.state === 'lost') room.state = 'joined';
    }
    this.#sendStates();
  }

  #changed({ joined, refused, lost = [] }: JoinedEvent): void {
    this.#sendStates();
    for (const name of lost) {
      const room = this.#rooms.get(name);
      if (room?.state === 'joined') room.state = 'lost';
    }
    for (const name of joined) {
      const room = this.#rooms.get(name);
      // A lost room stays lost until its gap is reported.
      if (room?.state === 'new') room.state = 'joined';
      for (const use of room?.uses ?? []) use.settle();
    }
    for (const { room: name, status, message } of refused) {
      const room = this.#rooms.get(name);
      this.#rooms.delete(name);
      for (const use of room?.uses ?? []) use.settle(this.#refusal(name, status, message));
      // The promise of a use that had joined before is settled already.
      if (room !== undefined && room.state !== 'new')
        this.#events.error(this.#refusal(name, status, message));
    }
  }

  #refusal(room: string, status: number, message: string): SseClientError {
    const error = new this.#core.SseClientError('room-refused', `${room}: ${message} (${status})`);
    return Object.assign(error, { room, status });
  }

  #end(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const [name, { uses }] of this.#rooms) {
      const error = new this.#core.SseClientError('left', `The client was closed before ${name} was joined.`);
      for (const use of uses) use.settle(error);
    }
    this.#rooms.clear();
  }
}

/** Returns the name of the event of a key. */
function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('\n') + 1);
}
