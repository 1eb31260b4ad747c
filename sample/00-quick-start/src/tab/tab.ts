import type { SseClient } from 'nestjs-simple-sse';

/**
 * State of one browser tab. Each connection has a new client id, but the tab keeps its key, so a reconnect finds
 * its rooms and resumes in all of them.
 */
export interface Tab {
  /** Chosen by the page and part of the stream's URL, which `EventSource` repeats on every reconnect. */
  readonly key: string;
  /** Public id of this tab. */
  readonly memberId: string;
  readonly chatRooms: Set<string>;
  nickname: string;
  /** The open connection, if there is one. */
  client?: SseClient;
  /** Without a connection for longer than a reconnect takes. Not counted as present. */
  away: boolean;
}

declare module 'nestjs-simple-sse' {
  interface SseClientContext {
    tab?: Tab;
    /** Sent to this connection only. A POST for the tab must carry it. */
    token?: string;
  }
}
