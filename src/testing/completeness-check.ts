import assert from 'node:assert/strict';
import type { HistoryPage } from '../broker/broker.interface.js';
import type { Position } from '../protocol/position.js';

/** An event that a case has published, and its rooms and position. */
export interface Published {
  readonly rooms: readonly string[];
  readonly text: string;
  readonly position: Position;
}

/** Asserts that a page contains every published event after `after` of each room that it does not list as incomplete. */
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
      `"${text}" of ${of.join(', ')} is missing, although its room is reported as complete`,
    );
  }
  assert.equal(found.size, page.messages.length, 'each event once');
  for (const message of page.messages) {
    assert.ok(message.position > after, 'no event at or before the requested position');
    assert.ok(
      message.rooms.some((room) => rooms.includes(room)),
      'no event of other rooms',
    );
  }
}
