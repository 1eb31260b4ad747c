import assert from 'node:assert/strict';
import { assertCompletenessClaim, type Published } from './completeness-check.js';
import type { HarnessNode } from './contract-harness.js';
import { seededRandom } from './seeded-random.js';

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
  const random = seededRandom(seed);
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
