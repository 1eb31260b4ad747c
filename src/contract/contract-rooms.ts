import { exampleOf, patternOf } from '../protocol/input/room-template.js';
import type { RoomContract, RoomContracts } from './event-contract.js';

/** One key of a contract, with its events. */
export interface ContractEntry {
  readonly key: string;
  readonly events: RoomContract;
}

/** Finds the events of rooms. A room that is a key itself has the events of that key only. */
export class ContractRooms {
  readonly #entries: ReadonlyMap<string, ContractEntry>;
  readonly #patterns: readonly (readonly [RegExp, ContractEntry])[];

  constructor(rooms: RoomContracts) {
    this.#entries = new Map(Object.entries(rooms).map(([key, events]) => [key, { key, events }]));
    this.#patterns = [...this.#entries.values()]
      .filter(({ key }) => exampleOf(key) !== key)
      .map((entry) => [patternOf(entry.key), entry] as const);
  }

  /** The keys, in their order. */
  get keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** The events of all keys. */
  get all(): IterableIterator<ContractEntry> {
    return this.#entries.values();
  }

  /** The events of a room; `undefined` for one that fits no key, and for the name of a key whose parameters are not filled in. */
  of(room: string): ContractEntry | undefined {
    const exact = this.#entries.get(room);
    if (exact !== undefined) return exampleOf(room) === room ? exact : undefined;
    return room === '*' ? undefined : this.#patterns.find(([pattern]) => pattern.test(room))?.[1];
  }
}
