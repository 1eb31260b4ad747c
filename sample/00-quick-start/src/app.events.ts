import type { StatsSample } from './stats/stats.service.js';

/** What every event of a room carries: the page counts from `seq`, and tells old from new by `at`. */
export interface Numbered {
  /** The room as its members call it: `stats`, or the name of a chat room. */
  room: string;
  /** 1, 2, 3 … within the room: a hole is an event that was missed. */
  seq: number;
  /** The server's clock when it was said, in milliseconds. */
  at: number;
}

/** The first event of a tab's stream: who it is, and what it needs in order to act. */
export interface Welcome {
  clientId: string;
  /** Goes with every POST. Known to this connection alone, so nobody acts for another tab. */
  token: string;
  memberId: string;
  nickname: string;
  at: number;
  /** When this server process began: its numbers begin with it. */
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

export type NoticeKind = 'joined' | 'left' | 'away' | 'back' | 'renamed';

export interface ChatNotice extends Numbered {
  kind: NoticeKind;
  memberId: string;
  nickname: string;
  /** The nickname before, when it was renamed. */
  formerly?: string;
  members: number;
}

export interface Typing {
  room: string;
  nickname: string;
}

/** Event name -> data: `SseService<AppEvents>` lets the compiler check every broadcast. */
export type AppEvents = {
  welcome: Welcome;
  stats: StatsSample;
  chat: ChatMessage;
  notice: ChatNotice;
  typing: Typing;
};
