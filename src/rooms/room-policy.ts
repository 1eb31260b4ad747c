import type { HistoryPolicy, RoomHistoryLimits } from '../broker/broker.interface.js';
import { EVERYONE } from '../protocol/room-name.js';
import { matchesRoomPattern } from './room-pattern.js';

/** What may be different for rooms whose name fits a pattern. */
export interface RoomRule {
  /** A room's name; `*` stands for any characters. */
  readonly pattern: string;
  readonly limits: RoomHistoryLimits | false;
  readonly volatile: boolean;
  readonly presence?: boolean;
  /** Whether those in the room hear who joins and who leaves. */
  readonly presenceEvents?: boolean;
}

/** Which rooms are remembered, how much of them, and which are volatile. The first rule that fits decides. */
export class RoomPolicy implements HistoryPolicy {
  readonly keepsHistory: boolean;
  /** Whether any room has presence. */
  readonly hasPresence: boolean;
  readonly maxBytes: number;
  readonly #standard: RoomHistoryLimits | false;
  readonly #rules: readonly RoomRule[];

  constructor(standard: RoomHistoryLimits | false, maxBytes: number, rules: readonly RoomRule[]) {
    this.#standard = standard;
    this.maxBytes = maxBytes;
    this.#rules = rules;
    this.hasPresence = rules.some(({ presence }) => presence === true);
    this.keepsHistory = standard !== false || rules.some(({ limits }) => limits !== false);
  }

  limitsOf(room: string): RoomHistoryLimits | false {
    const rule = this.#ruleOf(room);
    return rule === undefined ? this.#standard : rule.limits;
  }

  isVolatile(room: string): boolean {
    return this.#ruleOf(room)?.volatile ?? false;
  }

  isPresenceRoom(room: string): boolean {
    // Everyone's room, which a pattern of all rooms fits as well, is joined by nobody.
    return this.hasPresence && room !== EVERYONE && this.#ruleOf(room)?.presence === true;
  }

  publishesPresenceEvents(room: string): boolean {
    return this.#ruleOf(room)?.presenceEvents ?? false;
  }

  #ruleOf(room: string): RoomRule | undefined {
    return this.#rules.find(({ pattern }) => matchesRoomPattern(pattern, room));
  }
}
