import { SseClient } from '../../connection/sse-client.js';
import { describeValue } from '../../protocol/error-text.js';
import {
  checkCallOptions,
  checkedElsewhere,
  MAX_ANSWER_TIMEOUT_MS,
  trueOrFalse,
  wholeNumber,
} from '../../protocol/input/option-checks.js';
import { checkReplay } from '../../protocol/input/replay-option.js';
import { checkAcknowledge } from '../../protocol/input/acknowledge.js';
import { unsafeTextReason } from '../../protocol/input/unsafe-text.js';
import { SseError } from '../../protocol/sse-error.js';

const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** Options of `send`. */
export const SEND_CHECKS = { id: checkedElsewhere, volatile: trueOrFalse };
/** Options of `send` to clients of all nodes. */
export const REMOTE_SEND_CHECKS = { volatile: trueOrFalse, timeoutMs: wholeNumber(1, MAX_ANSWER_TIMEOUT_MS) };
/** Options of `broadcast`. */
export const BROADCAST_CHECKS = {
  except: checkedElsewhere,
  volatile: trueOrFalse,
  idempotencyKey,
  acknowledge: checkAcknowledge,
};
const JOIN_CHECKS = { replay: checkReplay };

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
  const remedy =
    method === 'send' || method === 'join' ? ' On other nodes: a client id, { user } or { room }.' : '';
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
