import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { Deferred } from '../link/deferred.js';
import { SYNC_MARKER_SCRIPT } from '../data/read-script.js';
import { isUnreachable } from '../link/redis-errors.js';

interface PendingMarker {
  readonly received: Deferred;
  readonly onReceived: () => void;
}

/**
 * Publishes sync markers: messages of this node to itself through Redis. Redis delivers in order, so all events
 * published before a marker have been received when the marker arrives. A marker therefore proves that the connection
 * works, and advances the node's position while there are no events.
 */
export class SyncMarkers {
  readonly #commands: CommandLink;
  readonly #markerChannel: string;
  readonly #pending = new Map<number, PendingMarker>();
  #lastNumber = 0;

  constructor(commands: CommandLink, markerChannel: string) {
    this.#commands = commands;
    this.#markerChannel = markerChannel;
  }

  /**
   * Publishes a marker, with retries while Redis is unreachable. Resolves when the marker is received; rejects when the
   * subscribing connection is lost.
   *
   * @param onReceived called synchronously on arrival, before any later message is processed
   */
  async roundTrip(onReceived: () => void): Promise<void> {
    const received = new Deferred();
    const number = ++this.#lastNumber;
    this.#pending.set(number, { received, onReceived });
    const backOff = new BackOff();
    while (this.#pending.has(number)) {
      try {
        await this.#send(number);
        break;
      } catch (error) {
        if (!isUnreachable(error)) {
          this.#pending.delete(number);
          throw error;
        }
        await backOff.wait();
        await Promise.race([this.#commands.whenUp(), received.promise]);
      }
    }
    return received.promise;
  }

  /** Publishes a marker whose arrival is not awaited. Rejects if Redis is unreachable. */
  async sendUnawaited(): Promise<void> {
    await this.#send(0);
  }

  received(number: number): void {
    const marker = this.#pending.get(number);
    if (marker === undefined) return;
    this.#pending.delete(number);
    marker.onReceived();
    marker.received.resolve();
  }

  /** Rejects all pending markers, after a loss of the subscribing connection. */
  reject(error: Error): void {
    for (const { received } of this.#pending.values()) received.reject(error);
    this.#pending.clear();
  }

  async #send(number: number): Promise<void> {
    await this.#commands.run(SYNC_MARKER_SCRIPT, [], [this.#markerChannel, `${number}`], {
      repeatable: true,
      refusable: false,
    });
  }
}
