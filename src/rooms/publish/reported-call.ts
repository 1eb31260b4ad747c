import { SseClient } from '../../connection/sse-client.js';
import { describeValue } from '../../protocol/error-text.js';
import type { PublicMethod } from '../../protocol/sse-error.js';
import { ReportedPromise, type PublicCall, type ReportFailure } from '../reported-promise.js';

/**
 * Runs a call of the service. A failure that nobody awaits is logged with the call, such as `leave({ user: 7 }, "chat")`.
 *
 * @param method the method, which is on the stack
 */
export function reported<T>(
  method: PublicMethod,
  args: readonly unknown[],
  work: () => Promise<T>,
  report: ReportFailure,
): Promise<T> {
  const describe = (): string => `${method.name}(${args.map(describeArgument).join(', ')})`;
  return ReportedPromise.of({ method, describe }, work, report);
}

/** A call of `broadcast`. Its event name and rooms are described, its data is not. */
export function broadcastCall(method: PublicMethod, rooms: unknown, parts: readonly unknown[]): PublicCall {
  const name = (): string => (parts.length > 1 ? `${describeValue(parts[0])}, ` : '');
  return { method, describe: () => `broadcast(${describeArgument(rooms)}, ${name()}…)` };
}

function describeArgument(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describeValue).join(', ')}]`;
  if (value instanceof SseClient) return 'client';
  if (typeof value !== 'object' || value === null) return describeValue(value);
  const shown = Object.entries(value).map(([key, each]) => `${key}: ${describeValue(each)}`);
  return `{ ${shown.join(', ')} }`;
}
