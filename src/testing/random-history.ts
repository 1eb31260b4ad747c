import assert from 'node:assert/strict';
import { assertCompletenessClaim, type Published } from './completeness-check.js';
import type { HarnessNode } from './contract-harness.js';
import { seededRandom } from './seeded-random.js';

export interface RandomHistory {
  readonly seed: number;
  readonly rooms: number;
  readonly steps: number;
  readonly text?: string;
  /** Subscribes the node to the rooms: a page may then end before events that have not arrived yet. */
  readonly subscribed?: boolean;
}

/** Publishes and reads at random, and checks the completeness of each page. */
export async function randomHistory(
  node: HarnessNode,
  { seed, rooms, steps, text = '', subscribed = false }: RandomHistory,
): Promise<void> {
  const random = seededRandom(seed);
  const names = Array.from({ length: rooms }, (_, n) => `room ${n}`);
  const some = (): string[] => names.filter(() => random() < 0.3);
  const published: Published[] = [];
  let complete = 0;
  const start = (await node.publish('elsewhere', 'start')).position;
  if (subscribed) await node.subscribe(...names);
  for (let step = 0; step < steps; step++) {
    // The first rooms get far more events than the last ones.
    const room = names[Math.floor(random() ** 3 * rooms)] as string;
    const to = random() < 0.1 ? [...new Set([room, ...some()])] : [room];
    const { position } = await node.publish(to, `${step} ${text}`);
    published.push({ rooms: to, text: String(step), position });
    if (step % 3 !== 0) continue;
    const of = [...new Set([room, ...some()])];
    const back = published.at(-1 - Math.floor(random() ** 2 * published.length));
    // Some reads start between the positions of two events.
    const after = random() < 0.1 ? start : (back?.position ?? start) - (random() < 0.2 ? 1 : 0);
    const last = node.positions.at(-1) ?? 0;
    const page = await node.read(of, after);
    assert.ok(page.position >= last, 'the position of a page is not before the last delivered event');
    const due = subscribed ? published.filter((one) => one.position <= page.position) : published;
    assertCompletenessClaim(page, of, after, due);
    complete += of.length - page.incompleteRooms.length;
  }
  assert.ok(complete > steps / 10, 'too many rooms are reported as incomplete');
  if (subscribed) await node.receives(published.length);
}
