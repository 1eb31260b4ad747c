import { EventSource } from 'eventsource';
import type { ClientRecord, ReceivedItem } from '../../oracle/judge.js';
import { positionOf, positionsOf } from '../../support/wire-ids.js';

/** A native client, as another project writes it: it reconnects by itself, at the time that the server has sent. */
export class RollingClient implements ClientRecord {
  readonly received: ReceivedItem[] = [];
  readonly isComplete = true;
  start: ReadonlyMap<number, number> | undefined;
  readonly #source: EventSource;

  /** @param onConnect called at each request */
  constructor(
    url: string,
    readonly rooms: readonly string[],
    onConnect: () => void,
  ) {
    this.#source = new EventSource(`${url}/events?rooms=${encodeURIComponent(rooms.join(','))}`, {
      fetch: (address, init) => {
        onConnect();
        return fetch(address, init);
      },
    });
    this.#source.addEventListener('sse:ready', ({ lastEventId }) => {
      this.start ??= positionsOf(lastEventId);
    });
    this.#source.addEventListener('sse:gap', ({ data }) => {
      const { rooms: lost } = JSON.parse(String(data)) as { rooms: string[] };
      const nowUs = Date.now() * 1_000;
      this.received.push({ kind: 'gap', rooms: lost, until: () => nowUs });
    });
    this.#source.addEventListener('n', ({ data, lastEventId }) => {
      this.received.push({ kind: 'event', key: String(data), position: positionOf(lastEventId) });
    });
  }

  /** False for one that has given up, and never comes back. */
  get isAlive(): boolean {
    return this.#source.readyState !== EventSource.CLOSED;
  }

  close(): void {
    this.#source.close();
  }
}
