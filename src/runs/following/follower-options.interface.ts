import type { SseFrame } from '../../protocol/sse-frame.js';
import type { SseRunTailOptions } from '../run-options.interface.js';
import type { FollowStart } from './follow-start.js';
import type { RunFeed } from './run-feed.js';
import type { RunGapReason } from './run-frames.js';

export interface FollowerOptions extends Pick<SseRunTailOptions, 'compact'> {
  readonly run: string;
  /** Returns the feed of the run. Called at the first read: a stream that is never read costs nothing. */
  readonly openFeed: () => RunFeed;
  /** Called once after `openFeed`, when the follower needs the feed no more. */
  readonly onClosed: () => void;
  /** Called for each gap of the stream, also where `control: false` keeps it from the client. */
  readonly onGap: (reason: RunGapReason) => void;
  readonly clientId: string;
  readonly start: FollowStart;
  /** `false` writes only the events of the run. */
  readonly control: boolean;
  /** `false` sends no `sse:ready`. */
  readonly ready: boolean;
  /** Takes what `compact`, or the store of a broker of the application, has thrown. */
  readonly onFailure: (callback: 'compact' | 'broker.runs', error: unknown) => void;
}

/** Takes the frames of a follower for its client. */
export interface FrameTarget {
  next(frame: SseFrame): void;
  /** @returns a promise to wait for before the next frame; `undefined` where the client takes more at once */
  untilFree(): Promise<void> | undefined;
  error(error: unknown): void;
  complete(): void;
}
