import type { HistoryPage } from '../../broker.interface.js';
import type { Position } from '../../../protocol/position.js';
import { bytesOf } from '../../history-trimmer.js';
import type { NodePosition, RecentEvents } from './recent-events.js';
import type { RoomReader } from './room-reader.js';

/** How long an answer is kept, in milliseconds: a storm of resumes is answered with one reading in each such time. */
export const KEPT_MS = 2_000;

/** Of the bytes that a node keeps of what it has delivered, so many more for answers. */
const KEPT_SHARE = 1 / 4;

interface Answer {
  readonly after: Position;
  readonly page: Promise<HistoryPage>;
}

export interface SharedReadsDependencies {
  readonly reader: Pick<RoomReader, 'read'>;
  readonly recent: RecentEvents;
  readonly node: NodePosition;
  /** Whether what this node has delivered is all there is up to its position. */
  readonly isLive: () => boolean;
  /** Bytes that a node keeps of what it has delivered. */
  readonly maxBytes: number;
}

/**
 * Answers resumes: out of what this node has delivered where that is enough, and else out of Redis, once for many.
 *
 * Clients that were cut together come back together, with the same rooms and about the same last id: from a node that is
 * gone to one that did not hear their rooms. What Redis has told the first of them, and what was delivered since,
 * is all there is for the others.
 */
export class SharedReads {
  readonly #parts: SharedReadsDependencies;
  readonly #answers = new Map<string, Answer>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #keptBytes = 0;

  constructor(parts: SharedReadsDependencies) {
    this.#parts = parts;
  }

  async read(rooms: readonly string[], after: Position): Promise<HistoryPage> {
    const { reader, recent, node } = this.#parts;
    const known = this.#recall(rooms, after);
    if (known !== undefined) return known;
    // What comes after an answer has to be heard here.
    if (!recent.follows(rooms)) return reader.read(rooms, after);
    const question = JSON.stringify(rooms);
    const earlier = this.#answers.get(question);
    if (earlier !== undefined && earlier.after <= after) {
      const asked = { epoch: node.epoch, position: node.position };
      const page = this.#continue(rooms, after, asked, earlier.after, await earlier.page);
      if (page !== undefined) return page;
    }
    const later = this.#answers.get(question);
    // One that is on its way only by now was asked after this was.
    return later !== undefined && later !== earlier && later.after === after
      ? later.page
      : this.#ask(question, rooms, after);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#answers.clear();
  }

  #recall(rooms: readonly string[], after: Position): HistoryPage | undefined {
    const { recent, node, isLive } = this.#parts;
    return isLive() ? recent.read(rooms, after, node) : undefined;
  }

  /**
   * Makes an answer that others got one for who asked at `asked`: nothing that was delivered before may be missing, for
   * it was not heard live.
   *
   * @returns `undefined` where that is not possible
   */
  #continue(
    rooms: readonly string[],
    after: Position,
    asked: { readonly epoch: string; readonly position: Position },
    answeredAfter: Position,
    page: HistoryPage,
  ): HistoryPage | undefined {
    if (page.epoch !== asked.epoch) return undefined;
    // What is missing after an earlier position may not be missing after this one.
    if (page.incompleteRooms.length > 0 && answeredAfter !== after) return undefined;
    let { position, messages } = page;
    if (position < asked.position) {
      const since = this.#recall(rooms, position);
      if (since?.epoch !== page.epoch) return undefined;
      position = since.position;
      messages = [...messages, ...since.messages];
    }
    const missed = messages.filter((message) => message.position > after);
    const [first] = missed;
    const isTooOld = first !== undefined && this.#parts.recent.isTooOld(rooms, first.position);
    return position < after || isTooOld ? undefined : { ...page, position, messages: missed };
  }

  #ask(question: string, rooms: readonly string[], after: Position): Promise<HistoryPage> {
    const answer = { after, page: this.#parts.reader.read(rooms, after) };
    this.#answers.set(question, answer);
    const forget = (): void => {
      if (this.#answers.get(question) === answer) this.#answers.delete(question);
    };
    answer.page.then((page) => this.#keep(page, forget), forget);
    return answer.page;
  }

  #keep({ messages }: HistoryPage, forget: () => void): void {
    const bytes = messages.reduce((sum, message) => sum + bytesOf(message), 0);
    if (this.#keptBytes + bytes > this.#parts.maxBytes * KEPT_SHARE) return forget();
    this.#keptBytes += bytes;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#keptBytes -= bytes;
      forget();
    }, KEPT_MS).unref();
    this.#timers.add(timer);
  }
}
