import { SseClient } from '../../connection/sse-client.js';
import { describeValue } from '../../protocol/error-text.js';
import {
  checkCallOptions,
  checkedElsewhere,
  trueOrFalse,
  wholeNumber,
} from '../../protocol/input/option-checks.js';
import { checkAcknowledge } from '../../protocol/input/acknowledge.js';
import { unsafeTextReason } from '../../protocol/input/unsafe-text.js';
import { SseError } from '../../protocol/sse-error.js';

const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** Options of `send`. */
export const SEND_CHECKS = { id: checkedElsewhere, volatile: trueOrFalse };
/** Options of `broadcast`. */
export const BROADCAST_CHECKS = {
  except: checkedElsewhere,
  volatile: trueOrFalse,
  idempotencyKey,
  acknowledge: checkAcknowledge,
};
const JOIN_CHECKS = { replay: wholeNumber(0, Number.MAX_SAFE_INTEGER) };

/** Validates the client and the options of `join`. @throws SseError `invalid-arguments` */
export function checkJoin(client: unknown, options: unknown): void {
  checkClient('join', client);
  checkCallOptions('join', options, JOIN_CHECKS);
}

/**
 * Validates the client of `send`, `join` and the like.
 *
 * @throws SseError `invalid-arguments`
 */
export function checkClient(method: string, client: unknown): SseClient {
  if (client instanceof SseClient) return client;
  const remedy = method === 'send' ? ' To reach a user, broadcast to a room of that user.' : '';
  throw new SseError(
    'invalid-arguments',
    `${method} takes an SseClient, as from @ConnectedClient(), add() or clients(room), not ${describeValue(client)}.${remedy}`,
  );
}

function idempotencyKey(value: unknown): string | undefined {
  const isKey = typeof value === 'string' && value !== '' && value.length <= MAX_IDEMPOTENCY_KEY_LENGTH;
  return isKey && unsafeTextReason(value) === undefined
    ? undefined
    : `a string of 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters without control characters and lone surrogates`;
}
