import { BadRequestException } from '@nestjs/common';
import type { SseClient } from '../../connection/sse-client.js';
import type { HttpExchange } from '../http-exchange.js';
import { SESSION_KEY_RULE, isSessionKey } from '../../protocol/input/session-key.js';
import type { StreamSessions } from '../../sessions/stream-sessions.js';

/** Sessions of streams; `undefined` where they are switched off. */
export type Sessions = Pick<StreamSessions, 'attach'> | undefined;

/**
 * Reads the key of the session from the URL of a stream.
 *
 * @returns `undefined` for a request without one, and where sessions are switched off
 * @throws BadRequestException for a text that is no key
 */
export function sessionKeyOf(http: HttpExchange, sessions: Sessions): string | undefined {
  const key = sessions && http.queryParameter('session');
  if (key === undefined || isSessionKey(key)) return key;
  throw new BadRequestException(SESSION_KEY_RULE);
}

/** Gives a client its session, before its stream opens. */
export function attachSession(client: SseClient, sessions: Sessions, key: string | undefined): void {
  if (key !== undefined) sessions?.attach(client, key);
}
