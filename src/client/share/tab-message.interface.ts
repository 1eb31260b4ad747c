import type { TabRoom } from '../rooms/tab-room.interface.js';
import type { SseClientErrorCode } from '../sse-client-error.js';
import type { SseState, SseStateDetail } from '../sse-state.js';
import type { WireEvent } from '../transport/event-parser.js';

/** A message between tabs. Each member is of use by itself. */
export interface TabMessage {
  /** Id of the leader that sends it. None where any tab sends it. */
  readonly from?: string;
  /** The sender leads from now on. */
  readonly leads?: boolean;
  readonly event?: WireEvent;
  /** A position behind a block without an event. */
  readonly position?: string;
  readonly state?: SseState;
  readonly detail?: SseStateDetail;
  readonly error?: { readonly code: SseClientErrorCode; readonly message: string };
  /** Key of the session of the stream. */
  readonly session?: string | undefined;
  /** Any tab tells which rooms it uses: its id and all of them. */
  readonly tab?: string;
  readonly rooms?: readonly TabRoom[] | undefined;
  /** Any tab asks the leader for its state. */
  readonly asks?: boolean;
  /** Any tab came back, or its clock has reached this `retryAt`. */
  readonly wakes?: Date | true;
}
