import type { SseClient } from '../../connection/sse-client.js';
import { watchFrames } from '../../connection/watch-frames.js';
import type { SseFrame } from '../../protocol/sse-frame.js';

/** Time for which events of a watched client are collected, in milliseconds. */
const COLLECT_MS = 500;
/** Events of that time that are shown; the others are counted. */
const MAX_EVENTS = 40;
/** Bytes of an event that are shown. */
const MAX_EVENT_BYTES = 2_048;

/** An event as a watched client was sent it. */
export interface SentEvent {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: string;
  /** Bytes on the wire. `data` has only the first of them. */
  readonly bytes: number;
}

/** Events that a client was sent in a short time. */
export interface SentEvents {
  readonly client: string;
  readonly events: readonly SentEvent[];
  /** Number of events that were sent and are not listed. */
  readonly omitted: number;
}

/** Collects what some clients of this node are sent. Other clients are not affected. */
export class WatchedClients {
  readonly #watched = new Map<SseClient, { readonly stop: () => void; readonly collected: Collected }>();
  readonly #tell: (sent: SentEvents) => void;

  constructor(tell: (sent: SentEvents) => void) {
    this.#tell = tell;
  }

  /** Watches these clients and no others. */
  set(clients: ReadonlySet<SseClient>): void {
    for (const [client, { stop, collected }] of this.#watched) {
      if (clients.has(client)) continue;
      stop();
      collected.flush();
      this.#watched.delete(client);
    }
    for (const client of clients) {
      if (this.#watched.has(client)) continue;
      const collected = new Collected(client.id, this.#tell);
      this.#watched.set(client, {
        stop: watchFrames(client.connection, (frame) => collected.add(frame)),
        collected,
      });
    }
  }
}

class Collected {
  #events: SentEvent[] = [];
  #omitted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: string,
    private readonly tell: (sent: SentEvents) => void,
  ) {}

  add(frame: SseFrame): void {
    // A comment, such as a heartbeat.
    if (frame.bytes[0] === ':'.charCodeAt(0)) return;
    if (this.#events.length < MAX_EVENTS) this.#events.push(sentEvent(frame));
    else this.#omitted++;
    this.#timer ??= setTimeout(() => this.flush(), COLLECT_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length === 0) return;
    this.tell({ client: this.client, events: this.#events, omitted: this.#omitted });
    this.#events = [];
    this.#omitted = 0;
  }
}

function sentEvent({ bytes }: SseFrame): SentEvent {
  const fields = { event: undefined as string | undefined, id: undefined as string | undefined };
  const data: string[] = [];
  for (const line of bytes.toString('utf8', 0, MAX_EVENT_BYTES).split('\n')) {
    const [, name, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'event' || name === 'id') fields[name] = value;
  }
  return { ...fields, data: data.join('\n'), bytes: bytes.length };
}
