import type { Position, ResumePoint } from '../protocol/position.js';
import type { EarlierCopy } from '../protocol/position.js';
import type { SseFrame } from '../protocol/sse-frame.js';

/** The position up to which a client has been sent events of its rooms, in each partition of the broker. */
export interface Cursor {
  point(partition: number): ResumePoint;
  move(partition: number, point: ResumePoint): void;

  /**
   * Advances to a frame with a position.
   *
   * @param live `true` if the client has been sent all frames that this node delivered before
   * @returns the frame for this client; `undefined` if it has been sent before
   */
  advance(frame: SseFrame, live: boolean): SseFrame | undefined;

  /** Records a joined room. The client receives its events after `since`, which is `undefined` until it is known. */
  joined(room: string, since: Position | undefined): void;
  left(room: string): void;
  /** Sets the start of the client's current rooms of a partition to `since`, as a resume was in them before. */
  countRoomsFrom(partition: number, since: Position): void;

  /**
   * Records that events of these rooms may be missing after `from`, up to `to`.
   *
   * @param delivered positions inside that range that the client receives all the same
   */
  addLoss(
    partition: number,
    rooms: readonly string[],
    range: { readonly from: Position; readonly to: Position; readonly delivered: Iterable<Position> },
  ): void;

  /** Returns `true` if the client receives or has received an event through another partition. */
  hasReceivedCopy(copies: readonly EarlierCopy[] | undefined): boolean;
}

/** The cursor for a broker without partitions: one position for all rooms. */
export class SingleCursor implements Cursor {
  #epoch: string;
  #position: Position;

  constructor({ epoch, position }: ResumePoint) {
    this.#epoch = epoch;
    this.#position = position;
  }

  point(): ResumePoint {
    return { epoch: this.#epoch, position: this.#position };
  }

  move(_partition: number, { epoch, position }: ResumePoint): void {
    this.#epoch = epoch;
    this.#position = position;
  }

  advance(frame: SseFrame): SseFrame | undefined {
    if (frame.position <= this.#position) return undefined;
    this.#position = frame.position;
    return frame;
  }

  joined(): void {}
  left(): void {}
  countRoomsFrom(): void {}
  addLoss(): void {}

  hasReceivedCopy(): boolean {
    return false;
  }
}
