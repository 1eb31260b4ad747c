import { FailedRequest } from './room-requests.js';
import type { ChangeRooms, RefusedRoom, RoomChangesAnswer } from './rooms-options.interface.js';

/** Most rooms in one request, as the route allows by default. */
const MAX_ROOMS = 100;
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;
/** Time for an answer. */
const TIMEOUT_MS = 15_000;
/** A timer or an answer that is so late comes to a page that was frozen: another tab may lead the shared connection now. */
const LATE_MS = 5_000;
const PAUSE_WHEN_LATE_MS = 1_000;
/** Attempts until a stream that the server does not find counts as refused. */
const MAX_NOT_FOUND = 4;

interface JoinedRoomsOptions {
  readonly session: string;
  readonly request: ChangeRooms;
  /** Longest back-off, in milliseconds. */
  readonly maxRetryMs: number | undefined;
  /** Receives the rooms that the stream has joined, and those that it may not join. */
  readonly onAnswer: (joined: readonly string[], refused: readonly RefusedRoom[]) => void;
}

/**
 * Makes the rooms of one stream those that are wanted: one request at a time, with everything that has changed before it. A
 * request that fails is tried again, with the changes that are still wanted.
 */
export class JoinedRooms {
  readonly #options: JoinedRoomsOptions;
  #wanted: ReadonlySet<string> = new Set();
  /** Rooms of which the server has said that the stream is in them. */
  #joined = new Set<string>();
  /** Rooms that the stream may be in: they were asked for, without an answer, or are to be left. */
  #unsure = new Set<string>();
  /** Rooms of the session when the stream began that nobody wanted then. The application may have joined them itself. */
  #restored = new Set<string>();
  /** True once a stream has begun. */
  hasBegun = false;
  /** True while the stream is open: the server may not know its session before. */
  #isOpen = false;
  #isBusy = false;
  /** Requests since the last answer. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The request that is under way, or was the last one. */
  #abort = new AbortController();
  #isClosed = false;

  constructor(options: JoinedRoomsOptions) {
    this.#options = options;
  }

  has(room: string): boolean {
    return this.#joined.has(room);
  }

  /** Joins and leaves until the stream is in these rooms. Calls in one turn are one request. */
  want(rooms: ReadonlySet<string>): void {
    this.#wanted = rooms;
    for (const room of rooms) if (this.#restored.delete(room)) this.#joined.add(room);
    if (this.#failures === 0) this.#runIn(0);
  }

  /** Takes rooms for joined that a tab says it has joined, before the stream begins. */
  believe(room: string): void {
    this.#joined.add(room);
  }

  /**
   * Counts from the rooms of the session anew, since a stream has begun.
   *
   * @returns the wanted rooms that were joined and are not any more
   */
  began(restored: readonly string[]): string[] {
    const lost = [...this.#joined].filter((room) => this.#wanted.has(room) && !restored.includes(room));
    const known = new Set([...this.#joined, ...this.#unsure, ...this.#wanted]);
    this.#joined = new Set(restored.filter((room) => known.has(room)));
    this.#restored = new Set(restored.filter((room) => !known.has(room)));
    this.#unsure = new Set();
    this.hasBegun = this.#isOpen = true;
    this.#failures = 0;
    // What is under way may have changed the session before, or not.
    this.#abort.abort();
    this.#runIn(0);
    return lost;
  }

  /** Sends nothing until the next stream has begun. */
  pause(): void {
    this.#isOpen = false;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #runIn(delayMs: number): void {
    clearTimeout(this.#timer);
    const dueAt = Date.now() + delayMs;
    this.#timer = setTimeout(() => {
      // First the page hears what the others have sent.
      if (Date.now() - dueAt > LATE_MS) this.#runIn(PAUSE_WHEN_LATE_MS);
      else void this.#run();
    }, delayMs);
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    let beganAt = Date.now();
    while (this.#isOpen && !this.#isClosed && (await this.#change())) {
      const isLate = Date.now() - beganAt > LATE_MS;
      beganAt = Date.now();
      if (!isLate) continue;
      this.#runIn(PAUSE_WHEN_LATE_MS);
      break;
    }
    this.#isBusy = false;
  }

  /** @returns false if nothing is left to do, or the rest is done later */
  async #change(): Promise<boolean> {
    for (const room of this.#joined) {
      // It counts as joined for nobody from now on, also while its leave is under way.
      if (!this.#wanted.has(room)) this.#unsure.add(room);
    }
    for (const room of this.#unsure) this.#joined.delete(room);
    const join = [...this.#wanted].filter((room) => !this.#joined.has(room)).slice(0, MAX_ROOMS);
    const leave = [...this.#unsure]
      .filter((room) => !this.#wanted.has(room))
      .slice(0, MAX_ROOMS - join.length);
    if (join.length + leave.length === 0) {
      this.#failures = 0;
      return false;
    }
    for (const room of join) this.#unsure.add(room);
    const abort = (this.#abort = new AbortController());
    try {
      const { refused } = await this.#answer(join, leave, abort);
      this.#failures = 0;
      this.#settle(join, leave, refused);
    } catch (error) {
      if (!abort.signal.aborted || abort.signal.reason === TIMEOUT_MS) return this.#failed(join, error);
      // Another stream has begun meanwhile, and the request may reach it.
      for (const room of join) if (!this.#joined.has(room)) this.#unsure.add(room);
    }
    return true;
  }

  async #answer(
    join: readonly string[],
    leave: readonly string[],
    abort: AbortController,
  ): Promise<RoomChangesAnswer> {
    const { session, request } = this.#options;
    const { signal } = abort;
    const timer = setTimeout(() => abort.abort(TIMEOUT_MS), TIMEOUT_MS);
    try {
      const answer = await Promise.race([
        request({ session, join, leave }, signal),
        new Promise<never>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
      ]);
      if (!Array.isArray((answer as Partial<RoomChangesAnswer> | undefined)?.refused)) {
        throw new Error('This is no answer of @SseRoomChanges().');
      }
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(join: readonly string[], leave: readonly string[], refused: readonly RefusedRoom[]): void {
    // A decision that took too long is asked for again.
    const isLater = refused.some(({ status }) => status === 503);
    const notJoined = new Set(refused.map(({ room }) => room));
    for (const room of [...leave, ...join]) this.#unsure.delete(room);
    const joined = join.filter((room) => !notJoined.has(room));
    for (const room of joined) this.#joined.add(room);
    this.#options.onAnswer(
      joined,
      refused.filter(({ status }) => status !== 503),
    );
    if (isLater) throw new Error('Some rooms were not decided in time.');
  }

  /** Tries again after full-jitter back-off. */
  #failed(join: readonly string[], error: unknown): boolean {
    this.#failures++;
    const { status = 0, message = '', retryAfterMs = 0 } = error instanceof FailedRequest ? error : {};
    if (status === 404 && this.#failures >= MAX_NOT_FOUND) {
      this.#failures = 0;
      this.#settle(
        join,
        [...this.#unsure],
        join.map((room) => ({ room, status, message })),
      );
      return true;
    }
    const limitMs = this.#options.maxRetryMs ?? MAX_BACK_OFF_MS;
    const backOffMs = Math.random() * Math.min(limitMs, FIRST_BACK_OFF_MS * 2 ** this.#failures);
    this.#runIn(Math.max(backOffMs, retryAfterMs));
    return false;
  }
}
