import type { RunPage, RunRecord } from '../../broker/run-store.interface.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { compactEntries } from './compact-entries.js';
import type { FollowerOptions, FrameTarget } from './follower-options.interface.js';
import type { RunFeed } from './run-feed.js';
import { endFrame, eventFrames, gapFrame, readyFrame, type RunGapReason } from './run-frames.js';
import { formatRunId } from '../run-id.js';
import { RunFailedError } from './run-failed-error.js';
import { isClosed, isUnavailable } from '../until-reached.js';

/**
 * The stream of one client that follows a run, as frames at the pace of the client. It reads the run by index, and waits
 * for a change where it has all events, so that an event that is stored between a read and the wait is read next.
 *
 * A token of a language model is a frame of its own, for which no promise is made.
 */
export class RunFollower {
  readonly #options: FollowerOptions;
  readonly #queue: SseFrame[] = [];
  #feed: RunFeed | undefined;
  #unlisten: (() => void) | undefined;
  #after: number;
  #epoch: string | undefined;
  #last: RunRecord | undefined;
  /** `true` until the follower has had all events once: what it has missed is compacted. */
  #isLate = true;
  /** `true` where the run may have more than was read. Without a change nothing is read. */
  #hasChanged = true;
  #isReading = false;
  /** `undefined` before the first call of `sendTo`, and after the last frame. */
  #target: FrameTarget | undefined;
  /** `true` while the client takes nothing. */
  #isFull = false;
  #state: 'following' | 'ended' | 'failed' = 'following';

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { start } = options;
    this.#after = start.after;
    this.#epoch = start.epoch;
    this.#begin();
  }

  /** Sends all frames from now on, and the end or the failure of the stream. Called once. */
  sendTo(target: FrameTarget): void {
    this.#target = target;
    this.#advance();
  }

  /** Ends the stream: its client has gone. */
  stop(): void {
    this.#close('ended');
  }

  /** Sends what waits, then reads where the run may have more. A change of the run calls it again. */
  #advance(): void {
    const target = this.#target;
    if (target === undefined || this.#isFull) return;
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
      target.next(frame);
      const free = target.untilFree();
      if (free !== undefined) return this.#waitUntil(free);
    }
    if (this.#state === 'following') {
      if (this.#hasChanged && !this.#isReading) this.#read();
      return;
    }
    this.#target = undefined;
    if (this.#state === 'failed') target.error(new RunFailedError());
    else target.complete();
  }

  #waitUntil(free: Promise<void>): void {
    this.#isFull = true;
    const goOn = (): void => {
      this.#isFull = false;
      this.#advance();
    };
    free.then(goOn).catch((error: unknown) => this.#target?.error(error));
  }

  #begin(): void {
    const { run, clientId, start, control, ready } = this.#options;
    const { after, epoch, gap, isResumed } = start;
    if (gap !== undefined) this.#options.onGap(gap);
    if (!control) return;
    const resumed = !isResumed ? 'none' : gap === undefined ? 'full' : 'partial';
    // Behind a gap the client gets its position with the next event.
    const id = epoch === undefined || gap !== undefined ? undefined : formatRunId(epoch, after);
    if (ready) this.#queue.push(readyFrame(run, clientId, resumed, id));
    if (gap !== undefined) this.#queue.push(gapFrame(run, gap));
  }

  /** Listens before the first read, so that no change is missed between both. */
  #listen(): RunFeed {
    if (this.#feed !== undefined) return this.#feed;
    this.#feed = this.#options.openFeed();
    this.#unlisten = this.#feed.listen((page) => {
      if (page !== undefined && this.#continues(page)) return this.#onPage(page);
      this.#hasChanged = true;
      this.#advance();
    });
    return this.#feed;
  }

  /** True for entries that come next, for a client that waits for them: they need not be read. */
  #continues({ record: { epoch }, firstIndex }: RunPage): boolean {
    const isWaiting = this.#target !== undefined && !this.#isFull && !this.#isReading && !this.#isLate;
    return isWaiting && epoch === this.#epoch && firstIndex === this.#after + 1;
  }

  #read(): void {
    const feed = this.#listen();
    this.#hasChanged = false;
    this.#isReading = true;
    try {
      feed.read(this.#after, this.#epoch).then(this.#onPage, this.#onFailure);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  readonly #onPage = (page: RunPage | undefined): void => {
    this.#isReading = false;
    try {
      if (this.#state === 'following') this.#receive(page);
      this.#advance();
    } catch (error) {
      // A page that no store returns.
      this.#target?.error(error);
    }
  };

  readonly #onFailure = (error: unknown): void => {
    this.#isReading = false;
    if (isUnavailable(error)) return this.#advance();
    // A closed broker ends the streams of a closing application.
    if (!isClosed(error)) this.#options.onFailure('broker.runs', error);
    this.#close('ended');
  };

  #receive(page: RunPage | undefined): void {
    if (page === undefined) return this.#last === undefined ? undefined : this.#vanished(this.#last);
    const { record, firstIndex, entries } = page;
    // Another execution: the client comes back, and begins with it.
    if (this.#epoch !== undefined && record.epoch !== this.#epoch) return this.#close('ended');
    this.#epoch = record.epoch;
    this.#last = record;
    this.#take(record, firstIndex, entries);
    if (this.#after < record.entries) {
      this.#hasChanged = true;
      return;
    }
    this.#isLate = false;
    if (record.state !== 'running') this.#finish(record);
  }

  #take(record: RunRecord, firstIndex: number, entries: readonly string[]): void {
    if (firstIndex > this.#after + 1 && !this.#isTold(firstIndex)) this.#tellGap('trimmed');
    // With no entry stored after it, a run that has let go its events moves on.
    this.#after =
      entries.length === 0 ? Math.max(this.#after, record.firstKept - 1) : firstIndex - 1 + entries.length;
    if (entries.length > 0)
      for (const frame of this.#frames(record.epoch, firstIndex, entries)) this.#queue.push(frame);
  }

  /** True where the gap before this index was told at the start. */
  #isTold(firstIndex: number): boolean {
    const { gap, after } = this.#options.start;
    return gap === 'trimmed' && this.#after === after && firstIndex > after + 1;
  }

  #frames(epoch: string, firstIndex: number, entries: readonly string[]): SseFrame[] {
    const { compact, onFailure } = this.#options;
    if (!this.#isLate || compact === undefined || entries.length < 2)
      return eventFrames(epoch, entries, (offset) => firstIndex + offset);
    const compacted = compactEntries(entries, firstIndex, compact, (error) => onFailure('compact', error));
    const texts = compacted.map(({ entry }) => entry);
    return eventFrames(epoch, texts, (offset) => compacted[offset]?.index ?? firstIndex);
  }

  /** The store does not have the run any more: it was kept long enough, or its content was lost. */
  #vanished(last: RunRecord): void {
    if (last.state === 'running')
      return this.#finish({ ...last, state: 'failed', reason: 'lost', entries: this.#after });
    this.#tellGap('trimmed');
    this.#finish(last);
  }

  #tellGap(reason: RunGapReason): void {
    const { control, run, onGap } = this.#options;
    onGap(reason);
    if (control) this.#queue.push(gapFrame(run, reason));
  }

  #finish(record: RunRecord): void {
    const { control, run } = this.#options;
    if (control) this.#queue.push(endFrame(run, record));
    this.#close(!control && record.state === 'failed' ? 'failed' : 'ended');
  }

  #close(state: 'ended' | 'failed'): void {
    if (this.#state !== 'following') return;
    this.#state = state;
    this.#unlisten?.();
    if (this.#feed !== undefined) this.#options.onClosed();
    this.#advance();
  }
}
