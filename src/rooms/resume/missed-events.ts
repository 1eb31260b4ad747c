import type { HistoryPage } from '../../broker/broker.interface.js';
import type { ClientConnection } from '../../connection/client-connection.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { gapOf, type Gap } from './gaps.js';

/** History of one partition after a client's position in it. */
export interface MissedPage {
  readonly partition: number;
  readonly point: ResumePoint;
  readonly page: HistoryPage;
}

/** History of a client's rooms after its position, read from every partition of the rooms. */
export class MissedEvents {
  readonly pages: readonly MissedPage[];
  /** Position up to which history was read. */
  readonly reached: StreamPosition;

  private constructor(pages: readonly MissedPage[]) {
    this.pages = pages;
    this.reached = new Map(
      pages.map(({ partition, page: { epoch, position } }) => [partition, { epoch, position }]),
    );
  }

  /**
   * Reads the history of some rooms.
   *
   * @param pointIn the position after which a partition is read
   */
  static async read(
    partitions: Partitions,
    rooms: readonly string[],
    pointIn: (partition: number) => ResumePoint,
  ): Promise<MissedEvents> {
    const pages = Array.from(partitions.group(rooms), async ([partition, partitionRooms]) => {
      const point = pointIn(partition);
      return { partition, point, page: await partitions.read(partition, partitionRooms, point.position) };
    });
    return new MissedEvents(await Promise.all(pages));
  }

  /** True if the position moved in at least one partition. */
  get hasMoved(): boolean {
    return this.pages.some(({ point, page }) => page.position !== point.position);
  }

  /** Events of all partitions, oldest first. */
  messages(): RoomMessage[] {
    const messages = this.pages.flatMap(({ page }) => page.messages);
    if (this.pages.length > 1) messages.sort((a, b) => a.position - b.position);
    return messages;
  }

  /**
   * Adds the partitions with a gap to those whose epoch has changed.
   *
   * @param gaps the gap of each page
   * @returns by partition, the position after which events may be missing
   */
  lostFrom(gaps: readonly Gap[], epochChanges: ReadonlyMap<number, Position>): Map<number, Position> {
    const lostFrom = new Map(epochChanges);
    for (const [index, { partition, point }] of this.pages.entries()) {
      if ((gaps[index]?.lost.length ?? 0) > 0) lostFrom.set(partition, point.position);
    }
    return lostFrom;
  }

  /** @param rooms the client's rooms at the time of sending, by partition: they may have changed since the read began */
  gaps(rooms: ReadonlyMap<number, readonly string[]>): Gap[] {
    return this.pages.map(({ partition, point, page }) => gapOf(point, page, rooms.get(partition) ?? []));
  }
}

/** Sends events as the socket drains, until the client closes: a client never counts as slow during its replay. */
export async function replay(
  connection: ClientConnection,
  messages: readonly RoomMessage[],
  frameOf: (message: RoomMessage) => SseFrame,
): Promise<void> {
  for (const message of messages) {
    // Each event is encoded when it is sent, not all at once.
    connection.push(frameOf(message), false);
    if (connection.isBusy) await connection.drained();
    if (connection.isClosed) return;
  }
}
