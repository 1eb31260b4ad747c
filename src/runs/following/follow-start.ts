import type { RunRecord } from '../../broker/run-store.interface.js';
import { parseRunId } from '../run-id.js';
import type { RunGapReason } from './run-frames.js';

/** The place at which a follower begins. */
export interface FollowStart {
  readonly after: number;
  /** Epoch of the run at its first read; `undefined` where it does not exist yet. */
  readonly epoch: string | undefined;
  /** Why the client is not continued where it was; `undefined` where it is, or is new. */
  readonly gap: RunGapReason | undefined;
  readonly isResumed: boolean;
}

/** True for a client that has received the end of a run: of this one, or of an earlier one of its name. */
export function hasReceivedEnd(lastEventId: string | undefined): boolean {
  return lastEventId !== undefined && parseRunId(lastEventId)?.isEnd === true;
}

/**
 * Returns the place at which a client begins. An id that is no position of this run, such as that of a room, begins with the first
 * event that is stored, after a gap.
 */
export function followStart(record: RunRecord | undefined, lastEventId: string | undefined): FollowStart {
  const epoch = record?.epoch;
  if (lastEventId === undefined || lastEventId === '') {
    const gap = record !== undefined && record.firstKept > 1 ? 'trimmed' : undefined;
    return { after: 0, epoch, gap, isResumed: false };
  }
  const point = parseRunId(lastEventId);
  if (point === undefined) return { after: 0, epoch, gap: 'invalid', isResumed: false };
  if (record === undefined || point.epoch !== record.epoch)
    return { after: 0, epoch, gap: 'epoch', isResumed: false };
  if (point.index > record.entries) return { after: 0, epoch, gap: 'invalid', isResumed: false };
  const gap = point.index + 1 < record.firstKept ? 'trimmed' : undefined;
  return { after: point.index, epoch, gap, isResumed: true };
}
