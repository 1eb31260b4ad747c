import { createParser } from 'eventsource-parser';
import { encodeEntry } from '../run-entry.js';
import { endFrame, eventFrames, gapFrame, readyFrame } from './run-frames.js';

const EPOCH = '0123456789abcdef';
const textOf = ({ bytes }: { bytes: Buffer }): string => bytes.toString();

function parse(text: string): { event: string | undefined; data: string; id: string | undefined }[] {
  const events: { event: string | undefined; data: string; id: string | undefined }[] = [];
  createParser({ onEvent: ({ event, data, id }) => events.push({ event, data, id }) }).feed(text);
  return events;
}

describe('frames of a run', () => {
  it('have each event once, in order and with its own id, as another parser reads them', () => {
    const texts = Array.from({ length: 500 }, (_, n) => `${n}\n${'x'.repeat(n)}`);
    const entries = texts.map((data) => encodeEntry({ event: 'e', data }, true));
    const frames = eventFrames(EPOCH, entries, (offset) => 36 + offset);
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.length).toBeLessThan(20);
    expect(parse(frames.map(textOf).join(''))).toEqual(
      texts.map((data, n) => ({ event: 'e', data, id: `3.${EPOCH}.${(36 + n).toString(36)}` })),
    );
  });

  it('end after an event, so that a client that is cut between two frames has only whole ones', () => {
    const entries = Array.from({ length: 9 }, (_, n) => encodeEntry({ data: `${n}`.repeat(9_000) }, true));
    const frames = eventFrames(EPOCH, entries, (offset) => offset + 1);
    expect(frames.map((frame) => parse(textOf(frame)).length).reduce((sum, count) => sum + count)).toBe(9);
    for (const frame of frames) expect(textOf(frame)).toMatch(/\n\n$/);
  });

  it('are none for no event', () => {
    expect(eventFrames(EPOCH, [], () => 1)).toEqual([]);
  });

  it('of a gap have no id, which would move the client past the missing events', () => {
    expect(parse(textOf(gapFrame('r', 'trimmed')))).toEqual([
      { event: 'sse:gap', data: '{"rooms":[],"reason":"trimmed","run":"r"}', id: undefined },
    ]);
  });

  it('of the beginning and the end tell the position of the client', () => {
    const [ready] = parse(textOf(readyFrame('r', 'c', 'full', `3.${EPOCH}.7`)));
    expect(ready).toEqual({
      event: 'sse:ready',
      data: '{"clientId":"c","resumed":"full","run":"r"}',
      id: `3.${EPOCH}.7`,
    });
    const record = { epoch: EPOCH, state: 'failed', reason: 'lease', startedAtMs: 1, firstKept: 1 } as const;
    const [end] = parse(textOf(endFrame('r', { ...record, entries: 36 })));
    expect(end).toEqual({
      event: 'sse:end',
      data: '{"run":"r","state":"failed","reason":"lease","events":36}',
      id: `3.${EPOCH}.10.end`,
    });
  });
});
