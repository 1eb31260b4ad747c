import type { SseClient } from '../connection/sse-client.js';
import type { RoomMessage } from '../protocol/room-message.js';

/** Observes the clients of this node and the messages of the broker; presence is built on it. */
export interface ClientObserver {
  /** The client's stream is open. Rooms that it joined before count as joined from now on. */
  clientOpened(client: SseClient): void;
  clientJoined(client: SseClient, room: string): void;
  clientLeft(client: SseClient, room: string): void;
  /** Called with each message of the broker, before clients receive it. */
  messageReceived(message: RoomMessage): void;
  /** @returns whether the clients of the message's rooms receive it */
  isForClients(message: RoomMessage): boolean;
  /** Called when every stream has ended; the broker closes after it settles. Never rejects. */
  closing(): Promise<void>;
}
