import type { SseClient } from 'nestjs-simple-sse';

/**
 * What the server remembers of one browser tab. Connections come and go, and each has a new client id;
 * the tab keeps its key, so a reconnect finds its rooms again and resumes in all of them.
 */
export interface Tab {
  /** Chosen by the page and part of the stream's URL, which `EventSource` repeats on every reconnect. */
  readonly key: string;
  /** The name of this tab among the others; no secret. */
  readonly memberId: string;
  readonly chatRooms: Set<string>;
  nickname: string;
  /** The open connection, if there is one. */
  client?: SseClient;
  /** Gone for longer than a reconnect takes; not counted as present. */
  away: boolean;
}

declare module 'nestjs-simple-sse' {
  interface SseClientContext {
    tab?: Tab;
    /** Told to this connection alone; a POST that acts for the tab must bring it. */
    token?: string;
  }
}
