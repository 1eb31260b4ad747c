import type { SseFrame } from '../protocol/sse-frame.js';
import type { ClientConnection } from './client-connection.js';

/**
 * Reports each frame that is queued for one client, until the returned function is called. At most one watcher of a client.
 *
 * Replaces the method `push` of this one object, so that a delivery to any other client costs nothing more.
 *
 * @param onFrame must not throw
 */
export function watchFrames(connection: ClientConnection, onFrame: (frame: SseFrame) => void): () => void {
  const push = connection.push.bind(connection);
  connection.push = (frame, bounded) => {
    const isQueued = push(frame, bounded);
    if (isQueued) onFrame(frame);
    return isQueued;
  };
  // The method of the class is found again.
  return () => void Reflect.deleteProperty(connection, 'push');
}
