import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { matchesRoomPattern } from '../rooms/room-pattern.js';
import type { SseHttpApiKey } from './http-api-options.interface.js';

type Equal = (a: Buffer, b: Buffer) => boolean;

interface AccessKey {
  readonly digest: Buffer;
  readonly rooms: readonly string[] | undefined;
}

/** The keys that may publish. It holds digests, no key. */
export class AccessKeys {
  readonly #secret = randomBytes(32);
  readonly #keys: readonly AccessKey[];
  readonly #equal: Equal;
  readonly #admitted = new WeakMap<object, AccessKey>();

  /** @param equal compares two buffers of one length in constant time; a test counts its calls */
  constructor(keys: readonly SseHttpApiKey[], equal: Equal = timingSafeEqual) {
    this.#equal = equal;
    this.#keys = keys.map(({ key, rooms }) => ({ digest: this.#digest(key), rooms }));
  }

  /** True if no key is asked for: the guards of the application decide alone. */
  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  /**
   * Admits a request with one of the keys. The time depends on the length of the presented text alone: digests of one length
   * are compared, and always all of them.
   *
   * @returns whether the key is one of them
   */
  admit(request: object, presented: string): boolean {
    const digest = this.#digest(presented);
    const [found] = this.#keys.filter((key) => this.#equal(key.digest, digest));
    if (found !== undefined) this.#admitted.set(request, found);
    return found !== undefined;
  }

  /** Returns whether an admitted request may publish to a room. */
  allows(request: object, room: string): boolean {
    if (this.isEmpty) return true;
    const key = this.#admitted.get(request);
    if (key === undefined) return false;
    return key.rooms?.some((pattern) => matchesRoomPattern(pattern, room)) ?? true;
  }

  /**
   * Returns the idempotency key under which an event of an admitted request counts. Under a key with `rooms` it differs from
   * that of every other publisher: whoever may publish to some rooms could otherwise use up the keys of others. Keys of the
   * same rooms share theirs, so that one can replace another between two attempts.
   */
  scoped(request: object, idempotencyKey: string): string {
    const rooms = this.#admitted.get(request)?.rooms;
    if (rooms === undefined) return idempotencyKey;
    const scope = JSON.stringify([rooms.toSorted(), idempotencyKey]);
    return createHash('sha256').update(scope).digest('base64url');
  }

  #digest(key: string): Buffer {
    return createHmac('sha256', this.#secret).update(key).digest();
  }
}
