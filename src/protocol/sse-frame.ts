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
}

/**
 * The bytes of one event, made once and shared by every client that receives it. Immutable.
 *
 * The bytes are kept inside their HTTP/1.1 chunk (RFC 9112, section 7.1), so that both forms are one allocation.
 */
export class SseFrame {
  /** `<length in hex>\r\n<bytes>\r\n`, for a socket whose response is chunked. */
  readonly chunked: Buffer;
  /** The event alone: a view into `chunked`. */
  readonly bytes: Buffer;
  readonly position: number;
  readonly epoch: string;
  readonly partition: number;
  readonly volatileKey: string | undefined;
  readonly #idLength: number;
  #anonymous: SseFrame | undefined;

  constructor(text: string, traits: SseFrameTraits = {}) {
    const length = Buffer.byteLength(text);
    const { chunked, bytes } = allocateChunk(length);
    bytes.write(text);
    this.chunked = chunked;
    this.bytes = bytes;
    this.position = traits.position ?? 0;
    this.epoch = traits.epoch ?? '';
    this.partition = traits.partition ?? 0;
    this.volatileKey = traits.volatileKey;
    this.#idLength = traits.idLength ?? 0;
  }

  /** The same event without its `id:` line, for streams whose ids belong to the application. */
  get anonymous(): SseFrame {
    if (this.position === 0 && this.#idLength === 0) return this;
    this.#anonymous ??= new SseFrame(`${this.#textWithoutId()}\n`, { volatileKey: this.volatileKey });
    return this.#anonymous;
  }

  /** The same event with this `id:` line: how a stream of several partitions gets it. */
  withId(id: string): SseFrame {
    return new SseFrame(`${this.#textWithoutId()}id: ${id}\n\n`, { position: this.position });
  }

  #textWithoutId(): string {
    return this.bytes.toString('utf8', 0, this.bytes.length - this.#idLength - 1);
  }
}

/** An uninitialised HTTP/1.1 chunk of `length` bytes, and the view of its inside. */
export function allocateChunk(length: number): { chunked: Buffer; bytes: Buffer } {
  const head = `${length.toString(16)}\r\n`;
  const chunked = Buffer.allocUnsafe(head.length + length + 2);
  chunked.write(head, 0, 'latin1');
  chunked.write('\r\n', head.length + length, 'latin1');
  return { chunked, bytes: chunked.subarray(head.length, head.length + length) };
}
