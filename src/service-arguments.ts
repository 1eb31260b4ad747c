import { SseClient } from './connection/sse-client.js';
import { checkUser } from './protocol/user-name.js';
import type { BroadcastOptions, ExcludedTarget } from './sse-service-options.interface.js';

/**
 * Converts the targets in `options.except` of `[event], data, options` to the names in `PublishOptions.except`.
 *
 * @throws SseError `invalid-user`
 */
export function withExcludedNames(parts: readonly unknown[]): readonly unknown[] {
  const [event, data, options, ...rest] = parts;
  const { except } = (options ?? {}) as BroadcastOptions;
  if (except === undefined) return parts;
  return [event, data, { ...(options as BroadcastOptions), except: [except].flat().map(nameOf) }, ...rest];
}

function nameOf(target: ExcludedTarget): string {
  return target instanceof SseClient ? target.id : `user:${checkUser(target.user)}`;
}
