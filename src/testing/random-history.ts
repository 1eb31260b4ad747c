import assert from 'node:assert/strict';
import type { HistoryPage } from '../broker/broker.interface.js';
import type { Position } from '../protocol/position.js';
import type { HarnessNode } from './contract-harness.js';

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

export interface RandomHistory {
  readonly seed: number;
  readonly rooms: number;
  readonly steps: number;
  readonly text?: string;
  /** Whether the node hears the rooms: then a page may end before what has not arrived yet. */
  readonly heard?: boolean;
}

/** Publishes and reads at random, and looks at each page. */
export async function randomHistory(
  node: HarnessNode,
  { seed, rooms, steps, text = '', heard = false }: RandomHistory,
): Promise<void> {
  const random = randomOf(seed);
  const names = Array.from({ length: rooms }, (_, n) => `room ${n}`);
  const some = (): string[] => names.filter(() => random() < 0.3);
  const published: Published[] = [];
  let complete = 0;
  const start = (await node.publish('elsewhere', 'start')).position;
  if (heard) await node.subscribe(...names);
  for (let step = 0; step < steps; step++) {
    // The first rooms hear far more than the last.
    const room = names[Math.floor(random() ** 3 * rooms)] as string;
    const to = random() < 0.1 ? [...new Set([room, ...some()])] : [room];
    const { position } = await node.publish(to, `${step} ${text}`);
    published.push({ rooms: to, text: String(step), position });
    if (step % 3 !== 0) continue;
    const of = [...new Set([room, ...some()])];
    const back = published.at(-1 - Math.floor(random() ** 2 * published.length));
    // Also from between two positions.
    const after = random() < 0.1 ? start : (back?.position ?? start) - (random() < 0.2 ? 1 : 0);
    const last = node.positions.at(-1) ?? 0;
    const page = await node.read(of, after);
    assert.ok(page.position >= last, 'the moment of a read is not before what its node has heard');
    const owed = heard ? published.filter((one) => one.position <= page.position) : published;
    assertCompletenessClaim(page, of, after, owed);
    complete += of.length - page.incompleteRooms.length;
  }
  assert.ok(complete > steps / 10, 'a broker that calls everything incomplete is honest, and useless');
  if (heard) await node.hears(published.length);
}

/** Mulberry32: the same numbers from the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
