import assert from 'node:assert/strict';
import type { HistoryPage } from '../broker/broker.interface.js';
import type { Position } from '../protocol/position.js';

/** What a case has published, and where. */
export interface Published {
  readonly rooms: readonly string[];
  readonly text: string;
  readonly position: Position;
}

/** The one thing that a page may never do: leave out an event of a room that it calls complete. */
export function assertCompletenessClaim(
  page: HistoryPage,
  rooms: readonly string[],
  after: Position,
  published: readonly Published[],
): void {
  const complete = rooms.filter((room) => !page.incompleteRooms.includes(room));
  const found = new Set(page.messages.map(({ position }) => position));
  for (const { rooms: of, text, position } of published) {
    if (position <= after || !of.some((room) => complete.includes(room))) continue;
    assert.ok(
      found.has(position),
      `"${text}" of ${of.join(', ')} is missing, and its room is called complete`,
    );
  }
  assert.equal(found.size, page.messages.length, 'each event once');
  for (const message of page.messages) {
    assert.ok(message.position > after, 'nothing from before the position');
    assert.ok(
      message.rooms.some((room) => rooms.includes(room)),
      'nothing of other rooms',
    );
  }
}
