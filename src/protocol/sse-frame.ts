import type { EarlierCopy } from './room-message.js';

/** What a frame is besides its bytes. */
export interface SseFrameTraits {
  /** The event's place in the order of all rooms; 0 for a frame that a resume cannot bring back. */
  readonly position?: number;
  /** Set on volatile events: of the frames with one key, a client that does not keep up gets only the newest. */
  readonly volatileKey?: string | undefined;
  /** How many bytes before the final blank line are the `id:` line. */
  readonly idLength?: number;
  /** The epoch and the partition of the position, on a frame whose `id:` differs from stream to stream. */
  readonly epoch?: string;
  readonly partition?: number;
  /** The earlier copies of the event in other partitions, as in `RoomDelivery.copies`. */
  readonly copies?: readonly EarlierCopy[] | undefined;
}

/**
 * The bytes of one event, made once and shared by every client that receives it. Immutable.
 *
 * The bytes are kept inside their HTTP/1.1 chunk (RFC 9112, section 7.1), so that both forms are one allocation.
 */
export class SseFrame {
  readonly position: number;
  readonly epoch: string;
  readonly partition: number;
  readonly volatileKey: string | undefined;
  readonly copies: readonly EarlierCopy[] | undefined;
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
    this.#idLength = traits.idLength ?? 0;
    // An event with its id is one that history may remember.
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

  /** The same event without its `id:` line, for streams whose ids belong to the application. One for all of them. */
  get anonymous(): SseFrame {
    if (this.position === 0 && this.#idLength === 0) return this;
    const known = this.#anonymous?.deref();
    if (known !== undefined) return known;
    const anonymous = new SseFrame(`${this.#textWithoutId()}\n`, { volatileKey: this.volatileKey });
    // Weakly: history, which remembers this frame, has no use for the other.
    this.#anonymous = new WeakRef(anonymous);
    return anonymous;
  }

  /**
   * For who keeps the frame: gives its bytes memory of their own.
   *
   * Node cuts small Buffers from blocks of 8 KiB that it shares with everything else, and the last piece in use keeps
   * the whole block: an event of 100 bytes may hold 80 times as much. That is cheaper as long as nobody keeps it.
   */
  settle(): void {
    if (this.#chunked.buffer.byteLength === this.#chunked.length) return;
    const { chunked, bytes } = allocateChunk(this.#bytes.length, true);
    this.#bytes.copy(bytes);
    this.#chunked = chunked;
    this.#bytes = bytes;
  }

  /** The same event with this `id:` line: how a stream of several partitions gets it. */
  withId(id: string): SseFrame {
    return new SseFrame(`${this.#textWithoutId()}id: ${id}\n\n`, { position: this.position });
  }

  #textWithoutId(): string {
    return this.bytes.toString('utf8', 0, this.bytes.length - this.#idLength - 1);
  }
}

/**
 * An uninitialised HTTP/1.1 chunk of `length` bytes, and the view of its inside.
 *
 * @param kept whether it has memory of its own; see `SseFrame.settle`
 */
export function allocateChunk(length: number, kept = false): { chunked: Buffer; bytes: Buffer } {
  const head = `${length.toString(16)}\r\n`;
  const size = head.length + length + 2;
  const chunked = kept ? Buffer.allocUnsafeSlow(size) : Buffer.allocUnsafe(size);
  chunked.write(head, 0, 'latin1');
  chunked.write('\r\n', head.length + length, 'latin1');
  return { chunked, bytes: chunked.subarray(head.length, head.length + length) };
}
