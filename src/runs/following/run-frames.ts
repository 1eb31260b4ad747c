import type { RunRecord } from '../../broker/run-store.interface.js';
import { encodeEvent } from '../../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../../protocol/input/event-fields.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { entryText, type RunEntry } from '../run-entry.js';
import { formatRunEnd, formatRunId } from '../run-id.js';

/**
 * Why events of a run are missing on a stream, as on streams with rooms: they were let go (`trimmed`), the run was started again
 * (`epoch`), or the `Last-Event-ID` is no position of a run (`invalid`).
 */
export type RunGapReason = 'trimmed' | 'epoch' | 'invalid';

/** Characters of one frame, above which the next event begins a new one. */
const MAX_FRAME_LENGTH = 16_384;

export function readyFrame(
  run: string,
  clientId: string,
  resumed: 'none' | 'full' | 'partial',
  id: string | undefined,
): SseFrame {
  return controlFrame('ready', { clientId, resumed, run }, id);
}

/** Without an id, which would move the client past the gap. */
export function gapFrame(run: string, reason: RunGapReason): SseFrame {
  return controlFrame('gap', { rooms: [], reason, run });
}

export function endFrame(run: string, { epoch, state, reason, entries }: RunRecord): SseFrame {
  return controlFrame('end', { run, state, reason, events: entries }, formatRunEnd(epoch, entries));
}

/**
 * Encodes neighbouring events, several in one frame.
 *
 * @param indexAt returns the index of an event in the run
 */
export function eventFrames(
  epoch: string,
  entries: readonly RunEntry[],
  indexAt: (offset: number) => number,
): SseFrame[] {
  const [only, second] = entries;
  // One token of a model.
  if (only !== undefined && second === undefined)
    return [new SseFrame(entryText(only, formatRunId(epoch, indexAt(0))))];
  const frames: SseFrame[] = [];
  let text = '';
  let offset = 0;
  for (const entry of entries) {
    text += entryText(entry, formatRunId(epoch, indexAt(offset++)));
    if (text.length < MAX_FRAME_LENGTH) continue;
    frames.push(new SseFrame(text));
    text = '';
  }
  if (text !== '') frames.push(new SseFrame(text));
  return frames;
}

function controlFrame(name: string, data: unknown, id?: string): SseFrame {
  const event = `${RESERVED_EVENT_PREFIX}${name}`;
  return new SseFrame(encodeEvent({ id, event, data: JSON.stringify(data) }));
}
