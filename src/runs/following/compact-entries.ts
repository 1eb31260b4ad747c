import { checkEventName } from '../../protocol/input/event-fields.js';
import { describeValue } from '../../protocol/error-text.js';
import { SseError } from '../../protocol/sse-error.js';
import { ignoreRejection } from '../../protocol/thenable.js';
import { decodeEntry, encodeEntry, hasTextData, type RunEntry } from '../run-entry.js';
import type { MergeRunEvents, SseRunEvent, SseRunTailOptions } from '../run-options.interface.js';

/** An event that stands for those up to `index`. */
export interface CompactEntry {
  readonly entry: RunEntry;
  /** Index of the last event in it. */
  readonly index: number;
}

/** Length of the data from which on an event is merged with no further one. */
const MAX_LENGTH = 65_536;

/**
 * Merges neighbouring entries.
 *
 * @param firstIndex index of the first entry
 * @param onFailure takes what the function of the application has thrown; the two events then stay apart
 */
export function compactEntries(
  entries: readonly RunEntry[],
  firstIndex: number,
  compact: NonNullable<SseRunTailOptions['compact']>,
  onFailure: (error: unknown) => void,
): CompactEntry[] {
  const merge = compact === 'concat' ? concat : checked(compact, onFailure);
  const compacted: CompactEntry[] = [];
  let current: Group | undefined;
  for (const [offset, entry] of entries.entries()) {
    const event = decodeEntry(entry);
    const next: Group = { entry, event, isText: hasTextData(entry), index: firstIndex + offset };
    const merged = current && mergeGroups(current, next, merge);
    if (merged === undefined && current !== undefined) compacted.push(encoded(current));
    current = merged ?? next;
  }
  if (current !== undefined) compacted.push(encoded(current));
  return compacted;
}

interface Group extends CompactEntry {
  readonly event: SseRunEvent | undefined;
  readonly isText: boolean;
  readonly isMerged?: boolean;
}

type Merge = (earlier: SseRunEvent, later: SseRunEvent, areTexts: boolean) => SseRunEvent | undefined;

function mergeGroups(earlier: Group, later: Group, merge: Merge): Group | undefined {
  if (earlier.event === undefined || later.event === undefined) return undefined;
  if (earlier.event.data.length + later.event.data.length > MAX_LENGTH) return undefined;
  const isText = earlier.isText && later.isText;
  const event = merge(earlier.event, later.event, isText);
  return event && { entry: '', event, isText, index: later.index, isMerged: true };
}

function encoded({ entry, event, isText, index, isMerged }: Group): CompactEntry {
  if (isMerged !== true || event === undefined) return { entry, index };
  return { entry: encodeEntry(event, isText), index };
}

function concat(earlier: SseRunEvent, later: SseRunEvent, areTexts: boolean): SseRunEvent | undefined {
  if (!areTexts || earlier.event !== later.event) return undefined;
  return { event: earlier.event, data: earlier.data + later.data };
}

function checked(compact: MergeRunEvents, onFailure: (error: unknown) => void): Merge {
  return (earlier, later) => {
    try {
      const merged = compact(earlier, later);
      if (merged === undefined) return undefined;
      ignoreRejection(merged);
      if (typeof (merged as Partial<SseRunEvent> | null)?.data !== 'string') {
        throw new SseError(
          'invalid-data',
          `The option "compact" returns { event, data } with a string as data, or undefined, not ${describeValue(merged)}.`,
        );
      }
      return { event: checkEventName(merged.event), data: merged.data };
    } catch (error) {
      onFailure(error);
      return undefined;
    }
  };
}
