import { SseClient } from './connection/sse-client.js';
import { describeValue } from './protocol/error-text.js';
import { checkCallOptions, checkedElsewhere } from './protocol/input/option-checks.js';
import { SseError } from './protocol/sse-error.js';
import { checkUser, noUsers } from './protocol/input/user-name.js';
import type { AddOptions, BroadcastOptions } from './sse-service-options.interface.js';

/**
 * Converts the targets in `options.except` of `[event], data, options` to the names in `PublishOptions.except`.
 *
 * @param hasUsers true with the option `identify`
 * @throws SseError `invalid-user`, `invalid-arguments`
 */
export function withExcludedNames(parts: readonly unknown[], hasUsers: boolean): readonly unknown[] {
  const [event, data, options, ...rest] = parts;
  const { except } = (options ?? {}) as BroadcastOptions;
  if (except === undefined) return parts;
  const names = [except].flat().map((target) => nameOf(target, hasUsers));
  return [event, data, { ...(options as BroadcastOptions), except: names }, ...rest];
}

function nameOf(target: unknown, hasUsers: boolean): string {
  if (target instanceof SseClient) return target.id;
  if (typeof target !== 'object' || target === null || !('user' in target)) {
    throw new SseError(
      'invalid-arguments',
      `The option "except" of broadcast takes an SseClient, { user }, or a list of them, not ${describeValue(target)}.`,
    );
  }
  if (!hasUsers) throw noUsers('except: { user }');
  return `user:${checkUser(target.user)}`;
}

/**
 * The user in the first argument of `leave`.
 *
 * @throws SseError `invalid-arguments`
 */
export function leavingUser(target: unknown): unknown {
  if (typeof target === 'object' && target !== null && 'user' in target) return target.user;
  throw new SseError(
    'invalid-arguments',
    `leave takes an SseClient or { user }, not ${describeValue(target)}.`,
  );
}

/** Validates the names of the options of `add`. @throws SseError `invalid-arguments` */
export function checkAddOptions(options: AddOptions): AddOptions {
  checkCallOptions('add', options, { rooms: checkedElsewhere, retryMs: checkedElsewhere });
  return options;
}
