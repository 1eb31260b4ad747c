import type { ClientRecord, PublishedEvent } from './judge.js';

/** Positions are microseconds. Events published within this time of the lost one are described. */
const AROUND_US = 40_000;

/** Writes an event that was lost, its client, and what the client received around it. */
export function describeLoss(
  { key, rooms, positions }: PublishedEvent,
  { rooms: own, start = new Map<number, number>(), received }: ClientRecord,
  eventOf: (key: string) => PublishedEvent | undefined,
): void {
  const isNear = (of: PublishedEvent | undefined): boolean =>
    of !== undefined &&
    [...of.positions].some(([p, position]) => Math.abs(position - (positions.get(p) ?? 0)) < AROUND_US);
  const around = received.flatMap((item, index): object[] => {
    if (item.kind === 'gap') {
      return [{ index, gap: item.rooms, until: [...positions.keys()].map((each) => item.until(each)) }];
    }
    const event = eventOf(item.key);
    return isNear(event)
      ? [{ index, event: item.key, rooms: event?.rooms, at: [...(event?.positions ?? [])] }]
      : [];
  });
  const loss = { key, rooms, at: [...positions], own, start: [...start], around };
  process.stdout.write(`silent loss: ${JSON.stringify(loss)}\n`);
}

/** Writes an event that a client received again, each time with its position: equal positions are one publish. */
export function describeRepeat(
  { key, rooms, positions }: PublishedEvent,
  { rooms: own, received }: ClientRecord,
  index: number,
): void {
  const times = received.flatMap((item, at) =>
    item.kind === 'event' && item.key === key ? [{ at, position: item.position }] : [],
  );
  const around = received.slice(Math.max(0, index - 5), index + 5);
  const repeat = { key, rooms, at: [...positions], own, index, times, around };
  process.stdout.write(`received again: ${JSON.stringify(repeat)}\n`);
}
