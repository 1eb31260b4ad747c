import type { SseClient } from '../../connection/sse-client.js';

/** The option `authorizeRoom`: returns whether a client may be in a room. Anything but `true` refuses it. */
export type AuthorizeRoom = (client: SseClient, room: string) => boolean | Promise<boolean>;
