import type { ConnectOptions } from './connect-options.interface.js';
import type { Source, SourceEvents } from './connection/source.interface.js';
import { EventQueue, type EventsOptions } from './event-queue.js';
import { Listeners } from './listeners.js';
import { reportError } from './platform.js';
import type { EventsOfRoom, LiveRoom, RoomName } from './room-events.js';
import { SseClientError } from './sse-client-error.js';
import type { EventListener, EventName, EventOf, SseEvent, SseGap } from './sse-event.js';
import type { SseState, SseStateDetail } from './sse-state.js';
import type { WireEvent } from './transport/event-parser.js';

/** Receives each state when it begins. */
export type StateListener = (state: SseState, detail: SseStateDetail) => void;

/** A stream that repairs itself: the result of `connectSse`. */
export class SseLive<Events extends object = Record<string, unknown>> {
  readonly #source: Source;
  readonly #report: (error: unknown) => void;
  readonly #parse: (text: string, name: string) => unknown;
  readonly #listeners: Listeners<[data: unknown, event: SseEvent]>;
  readonly #gaps: Listeners<[gap: SseGap]>;
  readonly #states: Listeners<Parameters<StateListener>>;
  #state: SseState = 'connecting';
  #detail: SseStateDetail = { reason: 'start' };

  /** @internal */
  constructor(options: ConnectOptions, open: (events: SourceEvents) => Source) {
    const { onError = reportError, parse = parseJson, signal } = options;
    this.#report = (error) => {
      try {
        onError(error);
      } catch (fault) {
        reportError(fault);
      }
    };
    this.#parse = parse;
    this.#listeners = new Listeners(this.#report);
    this.#gaps = new Listeners(this.#report);
    this.#states = new Listeners(this.#report);
    this.#source = open({
      names: () => this.#listeners.keys,
      event: (event) => this.#received(event),
      state: (state, detail) => this.#changed(state, detail),
      error: this.#report,
    });
    if (signal?.aborted) this.close();
    else signal?.addEventListener('abort', () => this.close());
  }

  /** The state now. `stateDetail` says why. */
  get state(): SseState {
    return this.#state;
  }

  /** Why the client is in its state, and when it tries again. Another object after each change, and the same until then. */
  get stateDetail(): SseStateDetail {
    return this.#detail;
  }

  /**
   * Calls `listener` for each event of this name. Events without a name have the name `message`.
   *
   * ```ts
   * const stop = live.on('paid', ({ id }, event) => show(id, event.id));
   * ```
   *
   * @param listener what it throws is reported to `onError`
   * @returns a function that removes the listener
   */
  on<Name extends EventName<Events>>(name: Name, listener: EventListener<Events, Name>): () => void {
    const stop = this.#listeners.add(name, listener as (data: unknown, event: SseEvent) => void);
    this.#source.listen(name);
    return stop;
  }

  /**
   * Calls `listener` when events may be missing: load the state of the gap's rooms again. A gap without any listener is
   * reported to `onError`.
   *
   * @returns a function that removes the listener
   */
  onGap(listener: (gap: SseGap) => void): () => void {
    return this.#gaps.add('', listener);
  }

  /**
   * Calls `listener` with the state now, and with each later one.
   *
   * @returns a function that removes the listener
   */
  onState(listener: StateListener): () => void {
    const stop = this.#states.add('', listener);
    listener(this.#state, this.#detail);
    return stop;
  }

  /**
   * Returns the events of this name from now on, for one `for await` loop. The loop ends with the signal, or when the client
   * is closed and the loop has taken what waited.
   *
   * ```ts
   * for await (const { data } of live.events('progress', { signal })) draw(data.percent);
   * ```
   *
   * @throws SseClientError `overflow`, in the loop, where it is slower than its queue allows
   */
  events<Name extends EventName<Events>>(
    name: Name,
    options: EventsOptions = {},
  ): AsyncIterableIterator<EventOf<Events, Name>> {
    const queue = new EventQueue<EventOf<Events, Name>>(options, () => {
      for (const stop of stops) stop();
    });
    const stops = [this.on(name, (_data, event) => queue.push(event))];
    // Called at once, also on a closed client.
    stops.push(this.onState((state) => void (state === 'closed' && queue.end())));
    if (options.signal?.aborted) queue.end();
    return queue;
  }

  /**
   * Joins a room, while the stream is open or before. Needs the option `rooms`.
   *
   * ```ts
   * const chat = live.room('chat/7');
   * chat.on('said', add);
   * await chat.joined;
   * chat.leave();
   * ```
   *
   * @throws SseClientError `invalid-options` without the option `rooms`
   */
  room<Room extends RoomName<Events>>(name: Room): LiveRoom<EventsOfRoom<Events, Room> & object> {
    const use = this.#source.room?.(name);
    if (!use) throw new SseClientError('invalid-options', 'Set the option rooms.');
    const stops: (() => void)[] = [() => void use.then((each) => each?.leave())];
    return {
      name,
      get joined() {
        return use.then((each) => {
          if (each) return each.joined;
          throw new SseClientError('left', 'The client was closed.');
        });
      },
      // Listeners of a room have a key of their own.
      on: (event, listener) => {
        const stop = this.on(`${name}\n${event}` as never, listener as never);
        stops.push(stop);
        return stop;
      },
      leave: () => {
        for (const stop of stops) stop();
      },
    };
  }

  /** Ends the stream, for good. Does nothing on a closed client. */
  close(): void {
    this.#source.close();
  }

  #received({ name: key, text, id }: WireEvent): void {
    try {
      const name = key.split('\n').pop() as string;
      const data = name.startsWith('sse:') ? parseJson(text) : this.#parse(text, name);
      const calls = this.#listeners.call(key, data, { name, data, text, id });
      if (name !== 'sse:gap') return;
      const gap = data as SseGap;
      if (this.#gaps.call('', gap) + calls > 0) return;
      const rooms = gap.rooms.join();
      this.#report(
        new SseClientError('gap', `Events of ${rooms} may be missing (${gap.reason}). Add onGap().`),
      );
    } catch (error) {
      this.#report(error);
    }
  }

  #changed(state: SseState, detail: SseStateDetail): void {
    this.#state = state;
    this.#detail = detail;
    this.#states.call('', state, detail);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
