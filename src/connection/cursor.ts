import type { Position, ResumePoint } from '../protocol/position.js';
import type { EarlierCopy } from '../protocol/room-message.js';
import type { SseFrame } from '../protocol/sse-frame.js';

/** Up to where a client has been sent what its rooms heard: an order for each partition of the broker, or one. */
export interface Cursor {
  point(partition: number): ResumePoint;
  move(partition: number, point: ResumePoint): void;

  /**
   * Moves on to a frame with a position.
   *
   * @param live whether the client has been sent everything that this node has delivered before it
   * @returns the frame as this client gets it; `undefined` where it has been sent already
   */
  advance(frame: SseFrame, live: boolean): SseFrame | undefined;

  /** The client joined a room, and gets what comes after `since` there; `undefined` while that is not known yet. */
  joined(room: string, since: Position | undefined): void;
  left(room: string): void;
  /** The rooms of a partition that it is in now count from `since` on: a resume has been in them before. */
  countRoomsFrom(partition: number, since: Position): void;

  /** Records that events of these rooms may be missing after `from`, up to `to`, but for the delivered positions. */
  addLoss(
    partition: number,
    rooms: readonly string[],
    range: { readonly from: Position; readonly to: Position; readonly delivered: Iterable<Position> },
  ): void;

  /** Whether the client gets an event, or has got it, through another partition. */
  hasReceivedCopy(copies: readonly EarlierCopy[]): boolean;
}

/** The cursor where there is one order for all rooms: a number. */
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
