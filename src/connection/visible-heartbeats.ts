import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/input/event-fields.js';
import { SseFrame } from '../protocol/sse-frame.js';
import type { SseClient } from './sse-client.js';
import type { Heartbeat, HeartbeatClient } from './timers/heartbeat.js';

/** Intervals of the clients that receive visible heartbeats, in milliseconds. */
const intervals = new WeakMap<SseClient, number>();

/** Returns the time between two visible heartbeats of a client; `undefined` for one that did not ask for them. */
export function heartbeatMsOf(client: SseClient): number | undefined {
  return intervals.get(client);
}

/**
 * Sends a client heartbeats as events: the `EventSource` of a page shows no comments, so the page cannot tell a silent
 * stream from a dead one. They are sent at each interval, also on a busy stream: the page may listen to none of its events.
 *
 * Any other client costs nothing more. Does nothing where heartbeats are switched off.
 */
export function showHeartbeats(client: SseClient, heartbeat: Heartbeat): void {
  const heartbeatMs = heartbeat.intervalMs;
  if (heartbeatMs === false) return;
  intervals.set(client, heartbeatMs);
  const event = `${RESERVED_EVENT_PREFIX}heartbeat`;
  const frame = new SseFrame(encodeEvent({ event, data: JSON.stringify({ heartbeatMs }) }));
  const shown: HeartbeatClient & { lastWriteMs: number } = {
    lastWriteMs: performance.now(),
    sendHeartbeat: () => {
      const { connection } = client;
      if (!connection.isOpen || connection.queue.isStalled) return;
      shown.lastWriteMs = performance.now();
      connection.push(frame);
    },
  };
  heartbeat.add(shown);
  void client.closed.then(() => heartbeat.delete(shown));
}
