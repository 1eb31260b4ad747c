import type { ChangeRooms, RoomsOptions } from './rooms/rooms-options.interface.js';
import type { EventSourceClass, FetchFunction } from './platform.js';

type Later<T> = T | Promise<T>;

/** Options of `connectSse`. */
export interface ConnectOptions {
  /**
   * How the stream is opened. Default: `'eventsource'`, the browser's own `EventSource`; `'fetch'` if `headers`, `method`,
   * `body` or `fetch` is set, or where there is no `EventSource` (React Native, Node 20).
   *
   * An `EventSource` hides the status of a refused request, so the next attempts after one use `fetch`.
   */
  readonly transport?: 'eventsource' | 'fetch';
  /** Headers of the request, or a function that returns them for each attempt. */
  readonly headers?:
    Readonly<Record<string, string>> | (() => Later<Readonly<Record<string, string>>>) | undefined;
  /** Method of the request. Default: `'GET'`; `'POST'` with a `body`. */
  readonly method?: string | undefined;
  /** Body of the request. Set its `content-type` in `headers`. */
  readonly body?: string | undefined;
  /** True to send cookies to another origin. Default: false. */
  readonly withCredentials?: boolean;
  /**
   * Returns a ticket, or the server's answer with one, for each attempt that the client itself makes. It is asked once more
   * after a 401. The ticket is sent as `?ticket=`.
   */
  readonly ticket?: (() => Later<string | { readonly ticket: string }>) | undefined;
  /** Position at which the stream begins: the one of the state that a page was rendered with. Default: now. */
  readonly lastEventId?: string | undefined;
  /** Statuses after which the client gives up. Default: 204, 401 and 403. */
  readonly finalStatuses?: readonly number[];
  /** Longest back-off between two attempts, in milliseconds. Default: 30,000. A longer `retry:` of the server counts. */
  readonly maxRetryMs?: number;
  /** False to ask the server for no heartbeats, and never to count a silent stream as dead. Default: true. */
  readonly watchdog?: boolean;
  /** Turns the text of an event into its data. Default: `JSON.parse`, and the text itself where it is no JSON. */
  readonly parse?: (text: string, name: string) => unknown;
  /** Receives an `SseClientError`, and whatever a listener throws. Default: the platform's `reportError`. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /**
   * True to have one connection for all tabs of this origin that open the same URL. Each tab receives everything from the
   * moment in which its state is `live`. Default: false.
   */
  readonly share?: boolean;
  /**
   * The server's route with `@SseRoomChanges()`, for `live.room()`; or a function that sends the changes of rooms and returns
   * the answer of this route. The stream then has a session, whose key is the parameter `session` of its URL. Default: none.
   */
  readonly rooms?: RoomsOptions | ChangeRooms | undefined;
  /** Closes the client. */
  readonly signal?: AbortSignal | undefined;
  /** A class in place of the global `EventSource`. */
  readonly EventSource?: EventSourceClass | undefined;
  /** A function in place of the global `fetch`, which must read answers as streams: in React Native that of `expo/fetch`. */
  readonly fetch?: FetchFunction | undefined;
}
