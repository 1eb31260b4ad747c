import type { SseClient } from '../connection/sse-client.js';
import { showHeartbeats } from '../connection/visible-heartbeats.js';
import { showRooms } from '../connection/visible-rooms.js';
import { MAX_TIMER_MS } from '../protocol/input/option-checks.js';
import { randomOf, spreadRetry, type RetryTime } from '../protocol/input/retry-time.js';
import type { Refusal, StreamLimit, StreamLimits, StreamSlot } from '../limits/stream-limits.js';
import type { RoomHub } from '../rooms/room-hub.js';
import type { Opening } from '../rooms/room-hub.interface.js';
import type { HttpExchange } from './http-exchange.js';
import type { SseRetryLaterException } from './limits/retry-later.exception.js';

export interface OpeningParts {
  readonly hub: RoomHub;
  readonly limits: StreamLimits;
  readonly http: HttpExchange;
  readonly client: SseClient;
  readonly slot: StreamSlot;
}

/** Gives a client its slot, which is released when it closes. */
export function attachSlot(client: SseClient, slot: StreamSlot): void {
  if (client.isClosed) slot.release();
  else client.slot = slot;
}

/**
 * Releases the slot of a request whose client leaves while a ticket or a room function is waited for, which may never settle.
 *
 * @returns ends this; a listener for each open stream would cost memory
 */
export function releaseOnceGone({ response }: HttpExchange, slot: StreamSlot): () => void {
  const release = (): void => slot.release();
  response.once('close', release);
  return () => void response.off('close', release);
}

/**
 * Identifies a client and opens its stream, or answers its request where a limit is reached or its time is over.
 *
 * @returns a promise only where the broker is asked for a limit. Throws or rejects with what opening throws
 */
export function openWithinLimits(parts: OpeningParts, opening: Opening): Promise<void> | undefined {
  const { limits, client, slot } = parts;
  const refusal = limits.admit(client, slot);
  if (!(refusal instanceof Promise)) {
    openUnless(refusal, parts, opening);
    return undefined;
  }
  // A client that has not opened is in no list of members, and must not leave one when it closes meanwhile.
  const { identity } = client;
  client.identity = undefined;
  return refusal.then((known) => {
    if (client.isClosed) return;
    client.identity = identity;
    openUnless(known, parts, opening);
  });
}

function openUnless(refusal: Refusal | undefined, parts: OpeningParts, opening: Opening): void {
  const { hub, limits, http, client, slot } = parts;
  try {
    if (refusal === undefined) {
      // The slot of an open stream would cost each client 48 bytes.
      if (!client.isClosed) client.slot = slot.handOver();
      const words = client.isPure ? [] : wordsOf(http);
      if (words.includes('heartbeat')) showHeartbeats(client, hub.connections.heartbeat);
      if (words.includes('rooms')) showRooms(client);
      return hub.open(client, http.headers(), opening);
    }
  } catch (error) {
    // A client that has not opened is in no list of members, and must not leave one.
    client.identity = undefined;
    throw error;
  }
  client.identity = undefined;
  if (refusal === 'expired') {
    client.connection.close('expired');
    return http.answerStatus(401, 'The identity of this client has expired.');
  }
  client.connection.close('limited');
  refuseAtLimit(http, limits, refusal, () => {});
}

/**
 * Answers a request that a limit has no room for.
 *
 * @param done called when the request is answered
 */
export function refuseAtLimit(
  http: HttpExchange,
  limits: StreamLimits,
  limit: StreamLimit,
  done: () => void,
): void {
  const status = limit === 'maxStreams' ? 503 : 429;
  refuseForNow(http, { status, message: 'Too many streams', retryMs: limits.retryAfterMs() }, done);
}

/**
 * Answers a request that comes while the node is drained: at the next attempt the client reaches another one.
 *
 * @param done called when the request is answered
 */
export function refuseWhileDraining(http: HttpExchange, retryMs: RetryTime | false, done: () => void): void {
  refuseForNow(http, { status: 503, message: 'Shutting down', retryMs: spreadRetry(retryMs) }, done);
}

/**
 * Answers with a stream that ends, or with the status to a client that asks for one.
 *
 * @param done called when the request is answered
 */
export function refuseForNow(
  http: HttpExchange,
  { status, message, retryMs }: { status: number; message: string; retryMs: number | false },
  done: () => void,
): void {
  if (!http.prefersStatus()) return http.answerReconnect(retryMs, done);
  http.answerStatus(status, message, retryMs === false ? undefined : retryMs);
  done();
}

/**
 * Answers a request as an exception says, each client with a time of its own.
 *
 * @param defaultMs milliseconds, for an exception without a time
 * @param done called when the request is answered
 */
export function refuseAsThrown(
  http: HttpExchange,
  exception: SseRetryLaterException,
  defaultMs: number,
  done: () => void,
): void {
  const { retryAfterMs: minMs = defaultMs, message } = exception;
  const retryMs = randomOf({ minMs, maxMs: Math.min(MAX_TIMER_MS, Math.round(1.5 * minMs)) });
  refuseForNow(http, { status: exception.getStatus(), message, retryMs }, done);
}

/** Returns what the client asks for by `?sse=`: `heartbeat` for visible heartbeats, `rooms` for the rooms of events. */
function wordsOf(http: HttpExchange): readonly string[] {
  return http.queryValues('sse').flatMap((words) => words.split(','));
}
