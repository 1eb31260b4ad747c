import { platform, watchWakeUps, type RequestLike } from '../platform.js';
import { SseClientError } from '../sse-client-error.js';
import type { SseState, SseStateDetail, SseStateReason } from '../sse-state.js';
import type { WireEvent } from '../transport/event-parser.js';
import { openEventSource } from '../transport/event-source-transport.js';
import { openFetch } from '../transport/fetch-transport.js';
import type { StreamEnd, StreamSink, Transport } from '../transport/transport.interface.js';
import type { ConnectionOptions, OpenConnection, SourceEvents } from './source.interface.js';
import { Watchdog } from './watchdog.js';
import { withQuery } from './with-query.js';

const CONTROL_NAMES = ['sse:ready', 'sse:gap', 'sse:heartbeat', 'sse:end'];
const DEFAULT_FINAL_STATUSES = [204, 401, 403];
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;
/** Age of an attempt that a page which comes back gives up: it may have begun without a network. */
const STUCK_AFTER_MS = 10_000;
/** Interval of heartbeats for an attempt before the server has named it: such an attempt is given up after 67.5 seconds. */
const ASSUMED_INTERVAL_MS = 30_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One connection to the server, and the attempts to open it again. */
export class Connection implements OpenConnection {
  readonly #url: string;
  readonly #options: ConnectionOptions;
  readonly #events: SourceEvents;
  readonly #watchdog = new Watchdog(
    () => this.#state === 'live' && this.#set('stale', { reason: 'silence' }),
    () => void this.#open('silence'),
  );
  readonly #stopWatching = watchWakeUps(() => this.wake());
  #state: SseState = 'connecting';
  #transport: Transport | undefined;
  /** Replaced by each attempt, so that what an earlier one still brings can be ignored. */
  #attempt: object = {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastEventId: string;
  /** The server's `retry:`, in milliseconds. */
  #retryMs = 0;
  /** Attempts since the last event. */
  #failures = 0;
  /** True if the options need what `EventSource` cannot do, or there is none. */
  readonly #needsFetch: boolean;
  #usesFetch: boolean;
  /** True from a 401 until a stream opens. */
  #hasAskedAgain = false;

  constructor(url: string, options: ConnectionOptions, events: SourceEvents) {
    this.#url = url;
    this.#options = options;
    this.#events = events;
    this.#lastEventId = options.lastEventId ?? '';
    const { headers, method, body, fetch, EventSource = platform.EventSource } = options;
    const { transport = fetch && !options.EventSource ? 'fetch' : undefined } = options;
    this.#needsFetch = Boolean((headers ?? method ?? body) || !EventSource);
    this.#usesFetch = this.#needsFetch || transport === 'fetch';
    void this.#open('start');
  }

  listen(name: string): void {
    this.#transport?.listen(name);
  }

  close(detail: SseStateDetail = { reason: 'closed' }): void {
    if (this.#state === 'closed') return;
    this.#endAttempt();
    this.#stopWatching();
    this.#set('closed', detail);
  }

  async #open(reason: SseStateReason): Promise<void> {
    this.#endAttempt();
    const attempt = this.#attempt;
    const { ticket, headers, watchdog = true } = this.#options;
    this.#set('connecting', { reason });
    // A ticket that never comes is given up like a stream that never opens.
    this.#watchdog.restart(watchdog ? ASSUMED_INTERVAL_MS : 0);
    try {
      const [answer = '', ownHeaders] = await Promise.all([
        ticket?.(),
        typeof headers === 'function' ? headers() : headers,
      ]);
      if (attempt !== this.#attempt) return;
      this.#transport = this.#connect(typeof answer === 'string' ? answer : answer.ticket, ownHeaders);
    } catch (error) {
      if (attempt === this.#attempt) this.#wait({ reason: 'ticket', error });
      return;
    }
    for (const name of [...CONTROL_NAMES, ...this.#events.names()]) this.#transport.listen(name);
  }

  #connect(ticket: string, headers: Readonly<Record<string, string>> | undefined): Transport {
    const { withCredentials = false, watchdog = true, words = '', body, method } = this.#options;
    const { EventSource = platform.EventSource, fetch = platform.fetch } = this.#options;
    const position = this.#lastEventId;
    // A header of its own would need CORS to allow it, unless the application sends headers anyway.
    const inHeader = position !== '' && this.#needsFetch;
    const url = withQuery(this.#url, {
      ticket,
      sse: (watchdog ? 'heartbeat' : '') + words,
      lastEventId: inHeader ? '' : position,
    });
    if (!this.#usesFetch && EventSource) {
      return openEventSource(EventSource, url, withCredentials, this.#sink());
    }
    const request: RequestLike = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...headers, accept: 'text/event-stream', ...(inHeader && { 'last-event-id': position }) },
      body,
      credentials: withCredentials ? 'include' : 'same-origin',
    };
    return openFetch(fetch, url, request, position, this.#sink());
  }

  /** Returns the receiver of this attempt. It ignores what comes after the next attempt has begun. */
  #sink(): StreamSink {
    const attempt = this.#attempt;
    const whileCurrent =
      <T extends unknown[]>(receive: (...parts: T) => void) =>
      (...parts: T): void => {
        if (attempt === this.#attempt) receive(...parts);
      };
    return {
      opened: whileCurrent(() => {
        this.#hasAskedAgain = false;
        this.#receivedBytes();
      }),
      received: whileCurrent(() => this.#receivedBytes()),
      position: whileCurrent((id) => {
        this.#lastEventId = id;
        this.#events.position?.(id);
      }),
      retry: whileCurrent((retryMs) => (this.#retryMs = retryMs)),
      event: whileCurrent((event) => this.#receivedEvent(event)),
      ended: whileCurrent((end) => this.#ended(end)),
    };
  }

  #receivedBytes(): void {
    this.#watchdog.restart();
    if (this.#state !== 'live') this.#set('live', { reason: 'open' });
  }

  #receivedEvent(event: WireEvent): void {
    this.#failures = 0;
    if (event.name === 'sse:ready' || event.name === 'sse:heartbeat') {
      const { heartbeatMs } = JSON.parse(event.text) as { heartbeatMs?: number };
      this.#watchdog.intervalMs = heartbeatMs ?? 0;
    }
    if (event.name !== 'sse:heartbeat') this.#events.event(event);
    if (event.name === 'sse:end') this.close({ reason: 'ended' });
  }

  #ended({ status, retryAfterMs, isHidden = false, isUnreadable, reconnects }: StreamEnd): void {
    const isCut = this.#state === 'live' || this.#state === 'stale';
    const reason = isHidden || status !== undefined ? 'refused' : isCut ? 'cut' : 'unreachable';
    this.#watchdog.stop();
    if (reconnects) return this.#set('waiting', { reason });
    const { ticket, finalStatuses = DEFAULT_FINAL_STATUSES } = this.#options;
    if (isUnreadable) return this.#giveUp('unreadable', 'This fetch reads no streams. Set the option fetch.');
    if (isHidden) this.#usesFetch = true;
    if (status === 401 && ticket !== undefined && !this.#hasAskedAgain) {
      this.#hasAskedAgain = true;
      return void this.#open('ticket');
    }
    if (status !== undefined && finalStatuses.includes(status))
      return this.#giveUp('refused', `The server answered ${status}.`, status);
    // The next attempt has a new ticket as well.
    if (isHidden) this.#hasAskedAgain = true;
    this.#wait({ reason, status }, retryAfterMs);
  }

  /** Tries again after full-jitter back-off, and not before the time that the server has named. */
  #wait(detail: SseStateDetail, retryAfterMs = 0): void {
    this.#endAttempt();
    const limitMs = this.#options.maxRetryMs ?? MAX_BACK_OFF_MS;
    const backOffMs = Math.random() * Math.min(limitMs, FIRST_BACK_OFF_MS * 2 ** this.#failures++);
    const delayMs = Math.min(MAX_TIMER_MS, Math.max(backOffMs, retryAfterMs, this.#retryMs));
    this.#timer = setTimeout(() => void this.#open('retry'), delayMs);
    this.#set('waiting', { ...detail, retryAt: new Date(Date.now() + delayMs) });
  }

  /** Ends a wait, and leaves a connection that is found dead. */
  wake(): void {
    const isStuck = this.#state === 'connecting' && this.#watchdog.silentMs > STUCK_AFTER_MS;
    if (this.#state === 'waiting' || isStuck || this.#watchdog.hasMissed) void this.#open('wake');
  }

  #giveUp(code: 'refused' | 'unreadable', message: string, status?: number): void {
    // 204 ends a stream without a fault (HTML standard, 9.2.3).
    if (status !== 204) this.#events.error(new SseClientError(code, message));
    this.close({ reason: code, status });
  }

  #endAttempt(): void {
    this.#attempt = {};
    clearTimeout(this.#timer);
    this.#watchdog.stop();
    this.#transport?.close();
    this.#transport = undefined;
  }

  #set(state: SseState, detail: SseStateDetail): void {
    this.#state = state;
    this.#events.state(state, detail);
  }
}
