import type { SseClient } from '../../connection/sse-client.js';
import type { Position } from '../../protocol/position.js';
import type { Partitions } from '../partitions/partitions.js';
import { replay } from './missed-events.js';
import { PageReads } from './page-bytes.js';

interface NewestEvents {
  readonly name: string;
  readonly count: number;
  /** Position of the newest event to send. */
  readonly until: Position;
}

/**
 * Sends the newest events of a room without their ids, as the socket drains. More than one page of them is read again page
 * by page, so that a client that reads slowly holds one page.
 */
export async function replayNewest(
  client: SseClient,
  partitions: Partitions,
  { name, count, until }: NewestEvents,
): Promise<void> {
  const { connection } = client;
  const reads = new PageReads(client, 1);
  const { messages } = await partitions.readNewest(name, count, reads);
  const newest = messages.filter(({ position }) => position <= until);
  if (newest.reduce((bytes, { data }) => bytes + data.length, 0) <= reads.maxBytes)
    return replay(connection, newest, ({ frame }) => frame.anonymous);
  return replayPages((newest[0]?.position ?? until) - 1);

  async function replayPages(start: Position): Promise<void> {
    for (let after = start, hasMore = true; hasMore && after < until && !connection.isClosed;) {
      const page = await partitions.read(partitions.partitionOf(name), [name], after, reads);
      const due = page.messages.filter(({ position }) => position <= until);
      await replay(connection, due, ({ frame }) => frame.anonymous);
      after = page.position;
      hasMore = page.hasMore === true;
    }
  }
}
