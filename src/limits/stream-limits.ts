import type { SseClient } from '../connection/sse-client.js';
import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import { describeValue } from '../protocol/error-text.js';
import { checkRoomCount } from '../protocol/input/room-count.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection } from '../protocol/thenable.js';
import { addressKey } from './address-key.js';
import type { SseLimitOptions } from './limit-options.interface.js';
import type { SharedUserLimit } from './shared-user-limit.js';
import { streamEnd } from './stream-end.js';
import { Tally } from './tally.js';

/** The reason why a stream does not open. */
export type Refusal = StreamLimit | 'expired';

/** The limits with their values. */
export type ResolvedLimits = Required<Omit<SseLimitOptions, 'keyOf'>> & {
  readonly keyOf: ((request: unknown) => unknown) | undefined;
};

/** The limits that refuse a request. */
export type StreamLimit =
  | 'maxStreams'
  | 'maxStreamsPerUser'
  | 'maxStreamsPerUserOnAllNodes'
  | 'maxStreamsPerAddress'
  | 'maxStreamsPerKey';

export interface LimitsHost {
  /** Calls the option `identify`, and sets the identity of the client. */
  readonly identify: (client: SseClient) => void;
  /** The clients of this node, the oldest one first. */
  readonly clients: () => Iterable<SseClient>;
  readonly metrics: NodeMetrics;
  /** Logs that a limit was reached. */
  readonly onReached: (limit: StreamLimit) => void;
  /** Logs that a stream opens without a limit, since the broker did not answer. */
  readonly onUnchecked: (limit: StreamLimit, error: unknown) => void;
  /** Counts the streams of users over all nodes; `undefined` without that limit. */
  readonly sharedUserLimit: SharedUserLimit | undefined;
}

/** Reconnection time, in milliseconds, of a stream that was ended for a newer one of the same user. */
export const REPLACED_RETRY_MS = 86_400_000;

/** Counts the streams of this node. A request takes its slot before anything of it is awaited. */
export class StreamLimits {
  readonly #limits: ResolvedLimits;
  readonly #host: LimitsHost;
  readonly #users = new Tally();
  readonly #addresses = new Tally();
  readonly #keys = new Tally();
  #streams = 0;
  /** In place of the slots that have nothing of their own, once their streams are open. */
  readonly #plainSlot = { release: (): void => this.slotReleased() };

  constructor(limits: ResolvedLimits, host: LimitsHost) {
    this.#limits = limits;
    this.#host = host;
  }

  /**
   * Takes a slot for a request.
   *
   * @returns the slot, to be released once; or the limit that has no room for the request
   * @throws SseError `invalid-arguments` for a value of `keyOf` that is no key; and what `keyOf` throws
   */
  enter(request: unknown): StreamSlot | StreamLimit {
    const { maxStreams, maxStreamsPerAddress, maxStreamsPerKey, keyOf } = this.#limits;
    if (maxStreams !== false && this.#streams >= maxStreams) return this.#reached('maxStreams', request);
    const key = maxStreamsPerKey === false ? undefined : checkKey(keyOf?.(request));
    const slot = new StreamSlot(this, this.#plainSlot);
    this.#streams++;
    const address = maxStreamsPerAddress === false ? undefined : addressOf(request);
    if (address !== undefined && !slot.take(this.#addresses, address, maxStreamsPerAddress || 0))
      return this.#reached('maxStreamsPerAddress', request, slot);
    if (key !== undefined && !slot.take(this.#keys, key, maxStreamsPerKey || 0))
      return this.#reached('maxStreamsPerKey', request, slot);
    return slot;
  }

  /**
   * Identifies a client whose stream is about to open, counts it for its user, and starts its age.
   *
   * @returns the limit that has no room for it; `'expired'` for a client whose time is over; a promise of the same, which never
   * rejects, where the broker is asked
   */
  admit(client: SseClient, slot: StreamSlot): Refusal | undefined | Promise<Refusal | undefined> {
    this.#host.identify(client);
    // `identify` may have ended it.
    if (client.isClosed) return undefined;
    const { maxStreamsPerUser, maxAgeMs } = this.#limits;
    const { user } = client;
    const end = streamEnd(maxAgeMs, client.identity?.expiresAtMs);
    if (end?.delayMs === 0) return 'expired';
    if (
      user !== undefined &&
      maxStreamsPerUser !== false &&
      !slot.take(this.#users, user, maxStreamsPerUser)
    ) {
      const limit = this.#reached('maxStreamsPerUser', client.request);
      if (!this.#replaceOldest(user)) return limit;
      slot.take(this.#users, user, Infinity);
    }
    if (end !== undefined) slot.startTimer(() => client.connection.end(end.reason), end.delayMs);
    const { sharedUserLimit } = this.#host;
    if (user === undefined || sharedUserLimit === undefined) return undefined;
    return this.#askAllNodes(sharedUserLimit, user, client, slot);
  }

  async #askAllNodes(
    shared: SharedUserLimit,
    user: string,
    client: SseClient,
    slot: StreamSlot,
  ): Promise<StreamLimit | undefined> {
    const isTaken = shared.take(user, client.id);
    slot.keep(shared, client.id);
    try {
      const outcome = await isTaken;
      if (outcome === 'added') return undefined;
      const limit = this.#reached('maxStreamsPerUserOnAllNodes', client.request);
      return outcome === 'refused' ? limit : undefined;
    } catch (error) {
      const { metrics, onUnchecked } = this.#host;
      onUnchecked('maxStreamsPerUserOnAllNodes', error);
      metrics.limitUnchecked?.('maxStreamsPerUserOnAllNodes', metrics.labelsOf(client.request));
      return undefined;
    }
  }

  /** Streams of this node with the requests that wait for theirs, and the most that there may be. */
  get usage(): { readonly streams: number; readonly maxStreams: number | false } {
    return { streams: this.#streams, maxStreams: this.#limits.maxStreams };
  }

  /** Called by a slot that is released. */
  slotReleased(): void {
    this.#streams--;
  }

  /**
   * Checks the number of rooms of one client.
   *
   * @throws SseError `too-many-rooms`
   */
  checkRooms(rooms: readonly string[]): void {
    checkRoomCount(rooms.length, this.#limits.maxRoomsPerClient);
  }

  /** Milliseconds after which a refused client should come back. */
  retryAfterMs(): number {
    return Math.round(this.#limits.retryAfterMs * (0.5 + Math.random()));
  }

  /** Counts that a limit is reached. @param slot what the request has taken of other limits */
  #reached(limit: StreamLimit, request: unknown, slot?: StreamSlot): StreamLimit {
    slot?.release();
    const { metrics } = this.#host;
    this.#host.onReached(limit);
    metrics.limitReached?.(limit, metrics.labelsOf(request));
    return limit;
  }

  #replaceOldest(user: string): boolean {
    if (this.#limits.atUserLimit !== 'end-oldest') return false;
    for (const client of this.#host.clients()) {
      if (client.user !== user || !client.connection.isOpen) continue;
      client.setRetry(REPLACED_RETRY_MS);
      client.connection.end('replaced');
      return true;
    }
    return false;
  }
}

/** A share of the limits, which the end of a stream releases. */
export interface Releasable {
  release(): void;
}

/** Slot that one request occupies in the limits. */
export class StreamSlot {
  /** `undefined` once the slot is released. */
  #limits: Pick<StreamLimits, 'slotReleased'> | undefined;
  readonly #plain: Releasable;
  #taken: [Pick<Tally, 'release'>, string][] | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param plain as this slot without keys and timer, to be released once */
  constructor(limits: Pick<StreamLimits, 'slotReleased'>, plain: Releasable) {
    this.#limits = limits;
    this.#plain = plain;
  }

  /** Returns what is released at the end of an open stream in place of this slot: itself, or what all plain ones share. */
  handOver(): Releasable {
    if (this.#limits === undefined || this.#taken !== undefined || this.#timer !== undefined) return this;
    this.#limits = undefined;
    return this.#plain;
  }

  /** @returns `false` if the key has `max` streams already */
  take(tally: Tally, key: string, max: number): boolean {
    if (this.#limits === undefined || !tally.take(key, max)) return false;
    this.keep(tally, key);
    return true;
  }

  /** Releases a key of a counter with this slot; at once where the slot is released. */
  keep(counter: Pick<Tally, 'release'>, key: string): void {
    if (this.#limits === undefined) counter.release(key);
    else (this.#taken ??= []).push([counter, key]);
  }

  startTimer(listener: () => void, delayMs: number): void {
    if (this.#limits !== undefined) this.#timer = setTimeout(listener, delayMs).unref();
  }

  /** Does nothing from the second call on. */
  release(): void {
    clearTimeout(this.#timer);
    for (const [tally, key] of this.#taken ?? []) tally.release(key);
    this.#limits?.slotReleased();
    this.#limits = this.#taken = this.#timer = undefined;
  }
}

/** `ip` of Express and Fastify respects their settings for proxies. */
function addressOf(request: unknown): string | undefined {
  const { ip, socket } = request as { ip?: unknown; socket?: { remoteAddress?: unknown } };
  const address = ip ?? socket?.remoteAddress;
  return typeof address === 'string' && address !== '' ? addressKey(address) : undefined;
}

function checkKey(key: unknown): string | undefined {
  if (key === undefined || key === null) return undefined;
  ignoreRejection(key);
  if (typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key))) return String(key);
  throw new SseError(
    'invalid-arguments',
    `The option "limits.keyOf" of SseModule returned ${describeValue(key)}. Return a string or a number, or undefined for no limit.`,
  );
}
