/** The four ways of publishing. Each returns when everything is published, not when it is delivered. */
import { nowMicros } from '../lib/clock.mjs';
import { payload } from '../lib/payload.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @typedef {{ room: string, bytes: number, count: number, firstSeq?: number }} PublishArgs */

/**
 * One publish per event-loop turn. The second, empty turn makes sure that a peer which flushes with
 * `setImmediate` has flushed before the next publish, whatever the order of the two immediates: two
 * publishes must not share one flush here, that is what the burst is for.
 * @param {import('../peers/index.mjs').RunningPeer} peer
 * @param {PublishArgs} args
 */
export async function publishPaced(peer, { room, bytes, count, firstSeq = 0 }) {
  const startedAt = nowMicros();
  for (let index = 0; index < count; index++) {
    await peer.publish(room, payload(bytes, firstSeq + index, nowMicros()));
    await turn();
    await turn();
  }
  return { startedAt };
}

/**
 * All publishes in one turn of the event loop.
 * @param {import('../peers/index.mjs').RunningPeer} peer
 * @param {PublishArgs} args
 */
export async function publishBurst(peer, { room, bytes, count, firstSeq = 0 }) {
  const startedAt = nowMicros();
  const accepted = [];
  for (let index = 0; index < count; index++) {
    accepted.push(peer.publish(room, payload(bytes, firstSeq + index, startedAt)));
  }
  await Promise.all(accepted);
  return { startedAt };
}

/**
 * Open loop: event n is due at `start + n / perSecond` and carries that time, so when the server stalls,
 * the events that should have gone out meanwhile are late by the whole stall.
 * @param {import('../peers/index.mjs').RunningPeer} peer
 * @param {PublishArgs & { perSecond: number }} args
 */
export async function publishAtRate(peer, { room, bytes, count, perSecond, firstSeq = 0 }) {
  const startedAt = nowMicros();
  const intervalMicros = 1e6 / perSecond;
  for (let index = 0; index < count;) {
    const elapsed = nowMicros() - startedAt;
    for (; index < count && index * intervalMicros <= elapsed; index++) {
      await peer.publish(
        room,
        payload(bytes, firstSeq + index, startedAt + Math.round(index * intervalMicros)),
      );
    }
    // Timers round up to a millisecond, which would be measured as latency: the last stretch is spun by immediates.
    const waitMicros = startedAt + index * intervalMicros - nowMicros();
    if (waitMicros > 2_000) await new Promise((resolve) => setTimeout(resolve, waitMicros / 1e3 - 1.5));
    else await turn();
  }
  return { startedAt };
}

/** Publishes under way at a time: enough to keep a connection busy, not so many that they wait for each other. */
const WINDOW = 32;

/**
 * As fast as the publishes are accepted, to one room or to several in turn. A peer that does not say when it has
 * accepted one gets a turn of the event loop for as many.
 * @param {import('../peers/index.mjs').RunningPeer} peer
 * @param {Omit<PublishArgs, 'room'> & { room?: string, rooms?: string[] }} args
 */
export async function publishWindowed(peer, { room, rooms = [room], bytes, count, firstSeq = 0 }) {
  const startedAt = nowMicros();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      const accepted = peer.publish(
        rooms[index % rooms.length],
        payload(bytes, firstSeq + index, nowMicros()),
      );
      await (accepted ?? turn());
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
  return { startedAt };
}
