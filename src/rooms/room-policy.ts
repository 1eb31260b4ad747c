import type { HistoryPolicy, RoomHistoryLimits } from '../broker/broker.interface.js';
import type { AuthorizeRoom } from './authorize/authorize-room.interface.js';
import { EVERYONE, isInternalRoom } from '../protocol/input/room-name.js';
import { matchesRoomPattern } from './room-pattern.js';

/** Settings of all rooms whose name matches a pattern. */
export interface RoomRule {
  /** A room name in which `*` matches any characters. */
  readonly pattern: string;
  /** `false`: without history. */
  readonly limits: RoomHistoryLimits | false;
  readonly volatile: boolean;
  readonly presence?: boolean;
  /** True if clients of the room receive `sse:join` and `sse:leave`. */
  readonly presenceEvents?: boolean;
  /** Decides about clients that join these rooms at run time. Default: that of all rooms. */
  readonly authorizeRoom?: AuthorizeRoom | undefined;
}

/** The rule of rooms that carry messages between nodes. */
const INTERNAL: RoomRule = { pattern: '', limits: false, volatile: true };

/** The history limits, volatility and presence of each room. The first rule whose pattern matches decides. */
export class RoomPolicy implements HistoryPolicy {
  /** True if rooms have history by default or by at least one rule. */
  readonly hasHistory: boolean;
  /** True if at least one rule gives rooms presence. */
  readonly hasPresence: boolean;
  /** True if the application decides about at least some rooms that clients join at run time. */
  readonly hasAuthorizer: boolean;
  readonly longestAgeMs: number;
  readonly summary: string;
  readonly maxBytes: number;
  readonly #standard: RoomHistoryLimits | false;
  readonly #rules: readonly RoomRule[];
  readonly #authorizeRoom: AuthorizeRoom | undefined;

  constructor(
    standard: RoomHistoryLimits | false,
    maxBytes: number,
    rules: readonly RoomRule[],
    authorizeRoom?: AuthorizeRoom,
  ) {
    this.#standard = standard;
    this.#authorizeRoom = authorizeRoom;
    this.hasAuthorizer = [{ authorizeRoom }, ...rules].some((each) => each.authorizeRoom !== undefined);
    this.maxBytes = maxBytes;
    this.#rules = rules;
    this.hasPresence = rules.some(({ presence }) => presence === true);
    const allLimits = [standard, ...rules.map(({ limits }) => limits)];
    this.longestAgeMs = Math.max(...allLimits.map((limits) => (limits === false ? 0 : limits.maxAgeMs)));
    // Without the last rules that change no limit, such as those for presence.
    const decisive = rules.findLastIndex(({ limits }) => wordsOf(limits) !== wordsOf(standard)) + 1;
    this.summary = [
      wordsOf(standard),
      ...rules.slice(0, decisive).map(({ pattern, limits }) => `"${pattern}" ${wordsOf(limits)}`),
    ].join('; ');
    this.hasHistory = standard !== false || rules.some(({ limits }) => limits !== false);
  }

  limitsOf(room: string): RoomHistoryLimits | false {
    const rule = this.#ruleOf(room);
    return rule === undefined ? this.#standard : rule.limits;
  }

  isVolatile(room: string): boolean {
    return this.#ruleOf(room)?.volatile ?? false;
  }

  isPresenceRoom(room: string): boolean {
    // The pattern `*` matches the room of all clients, too, which cannot be joined.
    return this.hasPresence && room !== EVERYONE && this.#ruleOf(room)?.presence === true;
  }

  publishesPresenceEvents(room: string): boolean {
    return this.#ruleOf(room)?.presenceEvents ?? false;
  }

  /** The function that decides about clients that join a room at run time; `undefined` where all may. */
  authorizerOf(room: string): AuthorizeRoom | undefined {
    if (!this.hasAuthorizer || isInternalRoom(room)) return undefined;
    return this.#ruleOf(room)?.authorizeRoom ?? this.#authorizeRoom;
  }

  #ruleOf(room: string): RoomRule | undefined {
    if (isInternalRoom(room)) return INTERNAL;
    return this.#rules.find(({ pattern }) => matchesRoomPattern(pattern, room));
  }
}

function wordsOf(limits: RoomHistoryLimits | false): string {
  return limits === false ? 'no history' : `${limits.maxEvents} events, ${limits.maxAgeMs} ms`;
}
