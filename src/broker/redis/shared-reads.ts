import type { HistoryPage } from '../broker.interface.js';
import type { Position } from '../../protocol/position.js';
import type { NodePlace } from './recent-events.js';
import type { RoomReader } from './room-reader.js';

/**
 * Asks Redis once for what many clients ask at the same time: those of one room that were cut together come back
 * together, with the same last id.
 *
 * A page that was on its way already may be of a moment before some event that this node has delivered meanwhile. Who
 * asked after that was not told live, so it needs a later page.
 */
export class SharedReads {
  readonly #reader: Pick<RoomReader, 'read'>;
  readonly #node: NodePlace;
  readonly #onTheirWay = new Map<string, Promise<HistoryPage>>();

  constructor(reader: Pick<RoomReader, 'read'>, node: NodePlace) {
    this.#reader = reader;
    this.#node = node;
  }

  async read(rooms: readonly string[], after: Position | undefined, newest: number): Promise<HistoryPage> {
    const question = JSON.stringify([after ?? null, newest, rooms]);
    const earlier = this.#onTheirWay.get(question);
    if (earlier !== undefined) {
      const { epoch, position } = this.#node;
      const page = await earlier;
      if (page.epoch === epoch && page.position >= position) return page;
    }
    // One that is on its way only by now was asked after this was.
    const later = this.#onTheirWay.get(question);
    return later === undefined || later === earlier ? this.#ask(question, rooms, after, newest) : later;
  }

  async #ask(
    question: string,
    rooms: readonly string[],
    after: Position | undefined,
    newest: number,
  ): Promise<HistoryPage> {
    const reading = this.#reader.read(rooms, after, newest);
    this.#onTheirWay.set(question, reading);
    try {
      return await reading;
    } finally {
      if (this.#onTheirWay.get(question) === reading) this.#onTheirWay.delete(question);
    }
  }
}
