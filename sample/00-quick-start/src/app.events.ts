import type { ProcessFigures } from './stats/process-probe.js';

/** Fields of every event of a room. The page counts by `seq` and recognizes old events by `at`. */
export interface Numbered {
  /** `stats`, or the name of a chat room. */
  room: string;
  /** 1, 2, 3 … within the room. A missing number is a missed event. */
  seq: number;
  /** Time of publishing by the server's clock, in milliseconds. */
  at: number;
}

/** The first event of a tab's stream: its identity, and the token for its POSTs. */
export interface Welcome {
  clientId: string;
  /** Sent with every POST. Only this connection receives it, so no tab can act for another. */
  token: string;
  memberId: string;
  nickname: string;
  at: number;
  /** Start time of this server process. Its numbers begin at 1 then. */
  startedAt: number;
  rooms: RoomInfo[];
}

export interface RoomInfo {
  room: string;
  members: number;
}

export interface ChatMessage extends Numbered {
  memberId: string;
  nickname: string;
  text: string;
}

/** A tab that is in a chat room, also one that has lost its connection a moment ago. */
export interface Present {
  memberId: string;
  nickname: string;
}

export type NoticeKind = 'joined' | 'left' | 'away' | 'back' | 'renamed';

export interface ChatNotice extends Numbered {
  kind: NoticeKind;
  memberId: string;
  nickname: string;
  /** The previous nickname, for `renamed`. */
  formerly?: string;
  members: number;
}

export interface Typing {
  room: string;
  nickname: string;
}

/** One reading of the server process. */
export interface StatsSample extends Numbered, ProcessFigures {
  clients: number;
}

/** Event name -> data: `SseService<AppEvents>` lets the compiler check every broadcast. */
export type AppEvents = {
  welcome: Welcome;
  stats: StatsSample;
  chat: ChatMessage;
  notice: ChatNotice;
  typing: Typing;
};
