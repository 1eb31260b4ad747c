import type { EarlierCopy } from './position.js';

/** Properties of a frame besides its bytes. */
export interface SseFrameTraits {
  /** The event's position; 0 for a frame that is not replayable. Default: 0. */
  readonly position?: number;
  /** Key of a volatile event: a client with backpressure receives only the newest frame of each key. */
  readonly volatileKey?: string | undefined;
  /** Length in bytes of the `id:` line, which precedes the final blank line. Default: 0. */
  readonly idLength?: number;
  /** Epoch of the position. With `partition`, it lets each stream write an `id:` of its own. */
  readonly epoch?: string;
  readonly partition?: number;
  /** Earlier copies of the event in other partitions, as in `RoomDelivery.copies`. */
  readonly copies?: readonly EarlierCopy[] | undefined;
  /** Rooms that the event was published to. Default: none. */
  readonly rooms?: readonly string[] | undefined;
}

/**
 * The encoded bytes of one event, shared by all clients that receive it. Their content never changes.
 *
 * The bytes lie inside their HTTP/1.1 chunk (RFC 9112, section 7.1), so that both forms share one allocation.
 */
export class SseFrame {
  readonly position: number;
  readonly epoch: string;
  readonly partition: number;
  readonly volatileKey: string | undefined;
  readonly copies: readonly EarlierCopy[] | undefined;
  /** `undefined` for an event of no room. */
  readonly rooms: readonly string[] | undefined;
  readonly #idLength: number;
  #chunked: Buffer;
  #bytes: Buffer;
  #anonymous: WeakRef<SseFrame> | undefined;

  constructor(text: string, traits: SseFrameTraits = {}) {
    const length = Buffer.byteLength(text);
    this.position = traits.position ?? 0;
    this.epoch = traits.epoch ?? '';
    this.partition = traits.partition ?? 0;
    this.volatileKey = traits.volatileKey;
    this.copies = traits.copies;
    this.rooms = traits.rooms;
    this.#idLength = traits.idLength ?? 0;
    // An event with an id may be stored in history.
    const { chunked, bytes } = allocateChunk(length, this.#idLength !== 0);
    bytes.write(text);
    this.#chunked = chunked;
    this.#bytes = bytes;
  }

  /** `<length in hex>\r\n<bytes>\r\n`, for a socket whose response is chunked. */
  get chunked(): Buffer {
    return this.#chunked;
  }

  /** The event alone: a view into `chunked`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The same event without its `id:` line, for streams with ids of the application. All of them share one frame. */
  get anonymous(): SseFrame {
    if (this.position === 0 && this.#idLength === 0) return this;
    const known = this.#anonymous?.deref();
    if (known !== undefined) return known;
    const { volatileKey, rooms } = this;
    const anonymous = new SseFrame(`${this.#textWithoutId()}\n`, { volatileKey, rooms });
    // A weak reference: history stores this frame for long and does not need the other one.
    this.#anonymous = new WeakRef(anonymous);
    return anonymous;
  }

  /**
   * Copies the bytes into an allocation of their own. Called before the frame is stored for long.
   *
   * Node allocates small Buffers from shared blocks of 8 KiB, and each Buffer in use retains its whole block: a stored
   * event of 100 bytes may retain 80 times as much. For a short-lived frame the shared block is cheaper.
   */
  settle(): void {
    if (this.#chunked.buffer.byteLength === this.#chunked.length) return;
    const { chunked, bytes } = allocateChunk(this.#bytes.length, true);
    this.#bytes.copy(bytes);
    this.#chunked = chunked;
    this.#bytes = bytes;
  }

  /** Returns the same event with another `id:` line, for a stream with rooms in several partitions. */
  withId(id: string): SseFrame {
    const { position, rooms } = this;
    return new SseFrame(`${this.#textWithoutId()}id: ${id}\n\n`, { position, rooms });
  }

  #textWithoutId(): string {
    return this.bytes.toString('utf8', 0, this.bytes.length - this.#idLength - 1);
  }
}

/**
 * Allocates an HTTP/1.1 chunk with an uninitialised body of `length` bytes.
 *
 * @param ownMemory `true`: outside Node's shared blocks; see `SseFrame.settle`
 * @returns the whole chunk, and `bytes`, the view of its body
 */
export function allocateChunk(length: number, ownMemory = false): { chunked: Buffer; bytes: Buffer } {
  const head = `${length.toString(16)}\r\n`;
  const size = head.length + length + 2;
  const chunked = ownMemory ? Buffer.allocUnsafeSlow(size) : Buffer.allocUnsafe(size);
  chunked.write(head, 0, 'latin1');
  chunked.write('\r\n', head.length + length, 'latin1');
  return { chunked, bytes: chunked.subarray(head.length, head.length + length) };
}
