import type { ConnectOptions } from '../connect-options.interface.js';
import type { OpenConnection, Source, SourceEvents } from '../connection/source.interface.js';
import type { TabRoom } from '../rooms/tab-room.interface.js';
import type { SseClientError } from '../sse-client-error.js';
import type { SseState, SseStateDetail } from '../sse-state.js';
import type { ClientCore } from './client-core.interface.js';
import type { Channel, Sharing } from './sharing-platform.js';
import type { TabMessage } from './tab-message.interface.js';

/** Silence after which a tab asks whether the leader is there. After about twice that long it leads itself. */
const LEADER_INTERVAL_MS = 8_000;

/**
 * One connection for all tabs of an origin. A Web Lock elects the tab that has it: the leader. Whatever the leader receives
 * goes to all tabs, itself included, over a BroadcastChannel.
 *
 * So every tab receives the same messages in the same order, and is at the same position. A leader that is closed or
 * crashes loses its lock. The next one says that it leads, and opens the stream at the position that all tabs have when they
 * receive that. From then on they ignore what an earlier leader sends: a frozen one may wake up later.
 */
export class SharedSource implements Source {
  readonly #url: string;
  readonly #options: ConnectOptions;
  readonly #events: SourceEvents;
  readonly #locks: Sharing['locks'];
  readonly #id = Math.random().toString(36);
  /** Two objects, since a BroadcastChannel does not receive what it sends itself. */
  readonly #incoming: Channel;
  readonly #outgoing: Channel;
  readonly #abort = new AbortController();
  readonly #core: ClientCore;
  readonly #watchdog: InstanceType<ClientCore['Watchdog']>;
  readonly #stopWatching: () => void;
  /** Id of the tab that was the last to say that it leads. */
  #leader: string | undefined;
  /** Position that all tabs have. */
  #position = '';
  /** The connection of the leader. */
  #connection: OpenConnection | undefined;
  /** Replaced when this tab begins to lead, and removed when it ends, so that a connection of an earlier term is ignored. */
  #term: object | undefined;
  /** Rooms by tab, also those of tabs that are gone: only the leader finds that out. */
  readonly #rooms = new Map<string, readonly TabRoom[]>();
  /** Tabs of which this tab, as the leader, learns when they are gone. */
  #watched = new Set<string>();
  /** Key of the session of the stream. */
  #session: string | undefined;
  /** True once this tab has used a room, and has the lock by which the leader knows that the tab is there. */
  #hasTabLock = false;
  /** The last state that the leader has sent. */
  #last: Pick<TabMessage, 'state' | 'detail'> = {};
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param url absolute: the tabs of one URL share a connection */
  constructor(
    core: ClientCore,
    sharing: Sharing,
    url: string,
    options: ConnectOptions,
    events: SourceEvents,
  ) {
    this.#core = core;
    this.#url = url;
    // Unlike an `EventSource` it receives events of every name: each tab has listeners of its own.
    this.#options = { ...options, transport: 'fetch' };
    this.#events = events;
    this.#locks = sharing.locks;
    this.#incoming = sharing.openChannel(this.#name);
    this.#outgoing = sharing.openChannel(this.#name);
    this.#incoming.onMessage((message) => this.#receive(message));
    this.#watchdog = new core.Watchdog(
      () => this.#send({ asks: true }),
      () => void this.#hold({ steal: true }).catch(() => {}),
    );
    this.#stopWatching = core.watchWakeUps(() => this.#send({ wakes: true }));
    this.#watchdog.intervalMs = LEADER_INTERVAL_MS;
    this.#send({ asks: true });
    void this.#queue();
  }

  listen(): void {}

  use(rooms: readonly TabRoom[]): void {
    const isFirst = !this.#rooms.has(this.#id);
    this.#rooms.set(this.#id, rooms);
    if (!isFirst) return this.#sendRooms();
    void this.#lockTab(this.#id, () => {
      this.#hasTabLock = true;
      this.#sendRooms();
      return this.#untilClosed();
    });
  }

  close(detail: SseStateDetail = { reason: 'closed' }): void {
    if (this.#abort.signal.aborted) return;
    // Releases the lock, or the place in its queue.
    this.#abort.abort();
    this.#stepDown();
    this.#watchdog.stop();
    this.#stopWatching();
    clearTimeout(this.#retryTimer);
    this.#incoming.close();
    this.#outgoing.close();
    this.#events.state('closed', detail);
  }

  get #name(): string {
    return `sse:${this.#url}`;
  }

  #send(message: TabMessage): void {
    if (!this.#abort.signal.aborted) this.#outgoing.post(message);
  }

  /** Waits for the lock, again where another tab has taken it away. */
  async #queue(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#hold({ signal });
      } catch (error) {
        if ((error as Error).name !== 'AbortError') return this.#events.error(error);
      }
    }
  }

  /** Leads while this tab has the lock. */
  async #hold(options: { readonly signal: AbortSignal } | { readonly steal: true }): Promise<void> {
    const { signal } = this.#abort;
    try {
      await this.#locks.request(this.#name, options, () => {
        if (signal.aborted) return undefined;
        this.#send({ from: this.#id, leads: true });
        return this.#untilClosed();
      });
    } finally {
      this.#stepDown();
    }
  }

  #untilClosed(): Promise<void> {
    return new Promise((release) => this.#abort.signal.addEventListener('abort', () => release()));
  }

  #receive(message: TabMessage): void {
    const { from, leads, event, position, state, detail, error, asks, wakes, tab, rooms } = message;
    if (this.#abort.signal.aborted) return;
    if (asks && this.#connection !== undefined) {
      this.#send({ from: this.#id, session: this.#session, ...this.#last });
    }
    if (asks || leads) this.#sendRooms();
    if (tab !== undefined && rooms !== undefined) this.#take(tab, rooms);
    const { retryAt } = this.#last.detail ?? {};
    if (wakes === true || (wakes && wakes.getTime() === retryAt?.getTime())) this.#connection?.wake();
    if (from === undefined) return;
    if (leads) this.#follow(from);
    // A tab that opens late takes the first sender for the leader.
    if (from !== (this.#leader ??= from)) return;
    this.#watchdog.restart();
    this.#session = message.session ?? this.#session;
    this.#position = position ?? event?.id ?? this.#position;
    if (event !== undefined) this.#events.event(event);
    if (error !== undefined) this.#events.error(new this.#core.SseClientError(error.code, error.message));
    if (state !== undefined && detail !== undefined) this.#changed(state, detail);
  }

  #follow(leader: string): void {
    this.#leader = leader;
    this.#stepDown();
    if (leader === this.#id) this.#lead();
  }

  /** Opens the stream at the position that all tabs have now. */
  #lead(): void {
    const term = (this.#term = {});
    const send = (message: TabMessage): void => {
      if (term === this.#term) this.#send({ from: this.#id, ...message });
    };
    let sentPosition = this.#position;
    this.#session ??= this.#core.newKey?.();
    const options = { ...this.#options, lastEventId: sentPosition, session: this.#session };
    this.#connection = new this.#core.Connection(this.#url, options, {
      names: () => [],
      event: (event) => {
        sentPosition = event.id;
        send({ event });
      },
      position: (position) => {
        if (position !== sentPosition) send({ position });
        sentPosition = position;
      },
      // An error of the application may be something that cannot be sent.
      state: (state, { error: _error, ...detail }) => send({ state, detail }),
      error: (error) => {
        const { code, message } = error as SseClientError;
        send({ error: { code, message } });
      },
    });
    send({ session: this.#session });
    this.#watched = new Set();
    for (const [tab, rooms] of this.#rooms) this.#take(tab, rooms);
  }

  /** Waits for the lock of a tab. It is free again when the tab is closed or has crashed. */
  #lockTab(tab: string, whileHeld: () => Promise<void> | undefined): Promise<void> {
    const { signal } = this.#abort;
    return this.#locks.request(`${this.#name}#${tab}`, { signal }, whileHeld).catch(() => {});
  }

  #sendRooms(): void {
    if (this.#hasTabLock) this.#send({ tab: this.#id, rooms: this.#rooms.get(this.#id) });
  }

  /** Takes the rooms of a tab. A leader waits for the end of the tab too. */
  #take(tab: string, rooms: readonly TabRoom[]): void {
    this.#rooms.set(tab, rooms);
    if (this.#connection === undefined) return;
    this.#connection.use?.(rooms, tab);
    if (this.#watched.has(tab)) return;
    this.#watched.add(tab);
    const term = this.#term;
    void this.#lockTab(tab, () => {
      this.#rooms.delete(tab);
      if (term === this.#term) this.#connection?.use?.([], tab);
      return undefined;
    });
  }

  #stepDown(): void {
    this.#term = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  #changed(state: SseState, detail: SseStateDetail): void {
    if (state === 'closed') return this.close(detail);
    const sent = { state, detail };
    // The answer to a tab that opened later.
    if (JSON.stringify(sent) === JSON.stringify(this.#last)) return;
    this.#last = sent;
    this.#events.state(state, detail);
    clearTimeout(this.#retryTimer);
    const { retryAt } = detail;
    // The timers of a hidden tab are throttled to one run in a minute, and the leader may be one.
    if (retryAt !== undefined) {
      this.#retryTimer = setTimeout(() => this.#send({ wakes: retryAt }), retryAt.getTime() - Date.now());
    }
  }
}
