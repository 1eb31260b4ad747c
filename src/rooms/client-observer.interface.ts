import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';

/** Observes the clients of this node and the messages of the broker; presence is built on it. */
export interface ClientObserver {
  /** The client's stream is open. Rooms that it joined before count as joined from now on. */
  clientOpened(client: SseClient): void;
  clientJoined(client: SseClient, room: string): void;
  clientLeft(client: SseClient, room: string): void;
  /** Called with each message of the broker, before clients receive it. @returns whether the clients receive it */
  messageReceived(message: RoomMessage): boolean;
  /** Called when the broker may have lost messages without a position, which it does not deliver again. */
  messagesLost(): void;
  /** Called when every stream has ended; the broker closes after it settles. Never rejects. */
  closing(): Promise<void>;
}
