import type { SseClient } from '../connection/sse-client.js';
import { checkRetryTime, drawRetry, type RetryTime } from '../protocol/input/retry-time.js';
import { checkRooms, type RoomName, type RoomNameRules } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import type { RoomHub } from '../rooms/room-hub.js';
import type { StreamLimits } from '../limits/stream-limits.js';
import type { AllowedOrigins } from '../cross-site/cross-site-options.interface.js';
import { CROSS_SITE_MESSAGE } from '../cross-site/cross-site.js';
import { HttpExchange } from './http-exchange.js';
import { isForbiddenOrigin } from './identity/origin-check.js';
import { attachSession, sessionKeyOf, type Sessions } from './routes/stream-session.js';
import { exceedsTicket, TICKET_ROOMS_MESSAGE } from './sse-ticket.guard.js';
import { redeemedOf } from '../tickets/request-ticket.js';
import { attachSlot, openWithinLimits, refuseAtLimit, refuseWhileDraining } from './stream-opening.js';

export interface RawStreamOptions {
  readonly rooms?: RoomName | readonly RoomName[] | undefined;
  readonly retryMs: RetryTime | false;
  /** True where the node takes no new streams any more. */
  readonly isDraining: boolean;
  readonly limits: StreamLimits;
  readonly rules: RoomNameRules & { readonly allowedOrigins: AllowedOrigins | false | undefined };
  readonly sessions: Sessions;
  /** Receives the failure of a stream that opens later, which no caller can catch. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Opens a stream at once on a response that belongs to its handler.
 *
 * @throws SseError `unsupported-response`, `invalid-room`, `invalid-retry`, `response-already-sent`; BadRequestException for a
 * `?session=` that is no key
 */
export function openRawStream(
  hub: RoomHub,
  request: unknown,
  response: unknown,
  { rooms, retryMs, isDraining, limits, rules, sessions, onFailure }: RawStreamOptions,
): SseClient {
  const http = new HttpExchange(request, response);
  const roomNames = rooms === undefined ? [] : checkRooms(rooms, rules);
  limits.checkRooms(roomNames);
  if (retryMs !== false) checkRetryTime(retryMs);
  if (http.response.headersSent) {
    throw new SseError(
      'response-already-sent',
      'The response has begun already. Call add() before anything is written.',
    );
  }
  const session = sessionKeyOf(http, sessions);
  const forbidden = isForbiddenOrigin(http, request, rules.allowedOrigins)
    ? CROSS_SITE_MESSAGE
    : exceedsTicket(redeemedOf(request), roomNames) && TICKET_ROOMS_MESSAGE;
  const isRefused = forbidden !== false || isDraining || !http.claimConnection();
  const slot = isRefused ? undefined : limits.enter(request);
  const client = hub.register({
    request,
    writer: http.createWriter(),
    lastEventId: http.lastEventId(),
    tracksPosition: roomNames.length > 0 || session !== undefined,
    tracksPositionOnceJoined: true,
    held: true,
  });
  if (slot === undefined) {
    client.connection.close(isDraining && forbidden === false ? 'shutdown' : 'refused');
    if (forbidden !== false) http.answerStatus(403, forbidden);
    else if (isDraining) refuseWhileDraining(http, retryMs, () => {});
    else http.answerReconnect(drawRetry(retryMs), () => {});
    return client;
  }
  if (typeof slot === 'string') {
    client.connection.close('limited');
    refuseAtLimit(http, limits, slot, () => {});
    return client;
  }
  attachSlot(client, slot);
  attachSession(client, sessions, session);
  for (const room of roomNames) void hub.join(client, room);
  http.detachFromFramework();
  http.drainUnreadBody();
  const opened = (): void => {
    const { endsAtOpen } = client.connection;
    if (endsAtOpen !== undefined) client.connection.close(endsAtOpen);
  };
  const waiting = openWithinLimits({ hub, limits, http, client, slot }, { retryMs, nextTurn: true });
  if (waiting === undefined) opened();
  else {
    // Closed before it opens, as by a shutdown: without an answer its request would wait for ever.
    client.onceClosed = (reason) => {
      if (reason !== 'limited' && reason !== 'expired' && reason !== 'refused')
        http.answerReconnect(drawRetry(retryMs), () => {});
    };
    const settled = waiting.finally(() => (client.onceClosed = undefined));
    settled.then(opened).catch((error: unknown) => {
      client.connection.close('refused');
      onFailure(error);
      http.answerStatus(500, 'Internal server error');
    });
  }
  return client;
}
