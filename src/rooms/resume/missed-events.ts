import type { HistoryPage, ReadOptions } from '../../broker/broker.interface.js';
import type { ClientConnection } from '../../connection/client-connection.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { gapOf, type Gap } from './gaps.js';

/** A page of the history of one partition after a client's position in it. */
export interface MissedPage {
  readonly partition: number;
  readonly point: ResumePoint;
  readonly page: HistoryPage;
}

/** One page of the history of a client's rooms after its position, read from every partition of the rooms. */
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
    options: ReadOptions,
  ): Promise<MissedEvents> {
    const pages = Array.from(partitions.group(rooms), async ([partition, partitionRooms]) => {
      const point = pointIn(partition);
      const page = await partitions.read(partition, partitionRooms, point.position, options);
      return { partition, point, page };
    });
    return new MissedEvents(await Promise.all(pages));
  }

  /** True if a page was cut, so that another read continues it. */
  get hasMore(): boolean {
    return this.pages.some(({ page }) => page.hasMore === true);
  }

  /** Leaves out events after a position, in partitions whose epoch it has. The pages are complete up to it. */
  upTo(position: StreamPosition): MissedEvents {
    return new MissedEvents(
      this.pages.map((each) => {
        const end = position.get(each.partition);
        const { page } = each;
        if (end?.epoch !== page.epoch || page.position < end.position) return each;
        return page.position === end.position && page.hasMore !== true
          ? each
          : cut(each, end.position, false);
      }),
    );
  }

  /**
   * Cuts all pages at the end of the shortest one, so that events of different partitions stay about in their order.
   *
   * @param limitOf position at which the page of a partition ends at the latest
   */
  alignedTo(limitOf: (partition: number) => Position): MissedEvents {
    const limited = this.pages.map((each) => cutBefore(each, limitOf(each.partition)));
    const end = Math.min(...limited.flatMap(({ page }) => (page.hasMore === true ? [page.position] : [])));
    return new MissedEvents(limited.map((each) => cutBefore(each, end)));
  }

  /** Leaves out the events that are not sent. A single partition has no copies that they could replace. */
  only(isSent: (message: RoomMessage) => boolean): MissedEvents {
    if (this.pages.length < 2) return this;
    return new MissedEvents(
      this.pages.map((each) => ({
        ...each,
        page: { ...each.page, messages: each.page.messages.filter(isSent) },
      })),
    );
  }

  /** Events of all partitions, oldest first. */
  messages(): readonly RoomMessage[] {
    const [first, ...others] = this.pages;
    if (others.length === 0) return first?.page.messages ?? [];
    return this.pages.flatMap(({ page }) => page.messages).toSorted((a, b) => a.position - b.position);
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

  /**
   * Adds the rooms whose epoch has changed to the gaps of the pages.
   *
   * @param lostRooms by partition
   */
  withLost(gaps: readonly Gap[], lostRooms: ReadonlyMap<number, readonly string[]>): Gap[] {
    return gaps.map(({ lost, reason }, index) => {
      const more = lostRooms.get(this.pages[index]?.partition ?? 0) ?? [];
      return { lost: [...lost, ...more], reason };
    });
  }

  /** `true` if no page needed a call to the broker's server. */
  get isLocal(): boolean {
    return this.pages.every(({ page }) => page.isLocal === true);
  }

  /** @param rooms the client's rooms at the time of sending, by partition: they may have changed since the read began */
  gaps(rooms: ReadonlyMap<number, readonly string[]>): Gap[] {
    return this.pages.map(({ partition, point, page }) => gapOf(point, page, rooms.get(partition) ?? []));
  }
}

/** Ends a page at a position before its own end; the next read continues there. */
function cutBefore(missed: MissedPage, end: Position): MissedPage {
  return missed.page.position <= end ? missed : cut(missed, end, true);
}

/** Ends a page at a position. */
function cut(missed: MissedPage, end: Position, hasMore: boolean): MissedPage {
  const { point, page } = missed;
  const messages = page.messages.filter(({ position }) => position <= end);
  const position = Math.max(end, Math.min(point.position, page.position));
  return { ...missed, page: { ...page, messages, position, hasMore } };
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
