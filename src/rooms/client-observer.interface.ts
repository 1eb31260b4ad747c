import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';

/** Who is told what clients of this node do, and what other nodes say of theirs. */
export interface ClientObserver {
  /** Its stream is open; the rooms that it has joined before count from now on. */
  clientOpened(client: SseClient): void;
  clientJoined(client: SseClient, room: string): void;
  clientLeft(client: SseClient, room: string): void;
  /** @returns whether those in its rooms may hear an event */
  admits(message: RoomMessage): boolean;
  /** What a node has said to all. */
  controlReceived(text: string): void;
  /** Every stream has ended; the broker is closed when this settles. Never rejects. */
  closing(): Promise<void>;
}
