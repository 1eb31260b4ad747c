import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';
import type { Position } from '../../protocol/position.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import type { RoomRegistry } from '../room-registry.js';

/** Shared by the resumes of all clients of a node. */
export interface ResumeServices {
  readonly partitions: Partitions;
  readonly rooms: RoomRegistry;
  /** True if any room has history. Without it room events carry no ids. */
  readonly hasHistory: boolean;
  readonly metrics: Pick<SseMetrics, 'clientResumed' | 'gapSent' | 'eventsReplayed'>;
}

/** The first read of history in a resume. */
export interface FirstRead {
  /** Position after which events are missed. */
  readonly from: StreamPosition;
  /** Position when the gate was shut: the gate holds newer events. Default: `from`. */
  readonly heldFrom?: StreamPosition;
  /** True if history may contain events after `from` that the gate does not hold. Else nothing is read. */
  readonly isNeeded: boolean;
  /** Rooms whose position had an old epoch, so that all their events may be missing. */
  readonly lostRooms?: readonly string[];
  /** On a resume: by partition whose epoch has changed, the position after which events may be missing. */
  readonly lostFrom?: ReadonlyMap<number, Position>;
  /** Called when history has been read, before any of it is sent. @param isLocal as in `HistoryPage` */
  readonly onRead?: (complete: boolean, isLocal: boolean) => void;
}
