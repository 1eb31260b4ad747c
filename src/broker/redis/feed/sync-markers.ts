import type { Position } from '../../../protocol/position.js';
import { BackOff } from '../link/back-off.js';
import type { CommandLink } from '../link/command-link.js';
import { Deferred } from '../link/deferred.js';
import { SYNC_MARKER_SCRIPT } from '../data/read-script.js';
import { isUnreachable } from '../link/redis-errors.js';

/** Between the channel of a node's markers and the number of a marker: no node has it in its name. */
const AHEAD_SEPARATOR = ':';

interface PendingMarker {
  readonly received: Deferred;
  readonly onReceived: () => void;
}

interface SentMarker {
  /** Number of connections that Redis has passed the marker to. */
  readonly receivers: number;
  /** The current position of Redis. */
  readonly position: Position;
}

/** A marker that was sent before the subscription that it shall follow. */
export interface MarkerAhead {
  readonly number: number;
  readonly channel: string;
  readonly sent: Promise<SentMarker>;
  /** The current position of Redis; `undefined` if Redis does not answer. */
  readonly position: Promise<Position | undefined>;
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
    const number = ++this.#lastNumber;
    const received = this.#expect(number, onReceived);
    await this.#sendRepeatedly(number, received);
    return received;
  }

  /**
   * Publishes a marker to a channel that was never subscribed. The command is sent before those of later calls, such as a
   * publish of this node.
   */
  sendAhead(): MarkerAhead {
    const number = ++this.#lastNumber;
    const channel = `${this.#markerChannel}${AHEAD_SEPARATOR}${number}`;
    const sent = this.#send(number, channel);
    const position = sent.then(
      (reply) => reply.position,
      () => undefined,
    );
    return { number, channel, sent, position };
  }

  /**
   * As `roundTrip`, for a marker that follows the subscription of some channels, and was sent without waiting for it. The same
   * command subscribes its channel, so it arrives only behind the subscription. Where Redis executed the marker first, it was
   * passed to nobody, and another one follows.
   *
   * @param subscribe subscribes the channel of the marker, and the others, with one command
   */
  async roundTripAfter(
    { number, channel, sent }: MarkerAhead,
    subscribe: (channel: string) => Promise<void>,
    onReceived: () => void,
  ): Promise<void> {
    const received = this.#expect(number, onReceived);
    try {
      const [, { receivers }] = await Promise.all([subscribe(channel), sent.catch(noneIfUnreachable)]);
      if (receivers === 0) await this.#sendRepeatedly(number, received);
    } catch (error) {
      this.#pending.delete(number);
      throw error;
    }
    return received;
  }

  /** Returns whether a channel carries markers of this node. */
  isMarkerChannel(channel: string): boolean {
    return channel === this.#markerChannel || channel.startsWith(`${this.#markerChannel}${AHEAD_SEPARATOR}`);
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

  #expect(number: number, onReceived: () => void): Promise<void> {
    const received = new Deferred();
    this.#pending.set(number, { received, onReceived });
    return received.promise;
  }

  /** Sends a marker, with retries while Redis is unreachable. */
  async #sendRepeatedly(number: number, received: Promise<void>): Promise<void> {
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
        await Promise.race([this.#commands.whenUp(), received]);
      }
    }
  }

  async #send(number: number, channel = this.#markerChannel): Promise<SentMarker> {
    const options = { repeatable: true, refusable: false };
    const reply = await this.#commands.run(SYNC_MARKER_SCRIPT, [], [channel, `${number}`], options);
    const [receivers, position] = reply as [number, string];
    return { receivers, position: Number(position) };
  }
}

function noneIfUnreachable(error: unknown): SentMarker {
  if (isUnreachable(error)) return { receivers: 0, position: 0 };
  throw error;
}
