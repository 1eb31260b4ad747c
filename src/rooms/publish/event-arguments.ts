import { describeValue } from '../../protocol/error-text.js';
import { checkEventName } from '../../protocol/input/event-fields.js';
import { checkCallOptions, type OptionCheck } from '../../protocol/input/option-checks.js';
import { SseError } from '../../protocol/sse-error.js';

/** The `[event], data, options` that end the argument lists of `send` and `broadcast`. */
export interface EventArguments<Options> {
  readonly event: string | undefined;
  readonly data: unknown;
  readonly options: Options;
}

/**
 * Parses an argument list by its length: `('text')` is data without an event name, while `('event', undefined)` is an event
 * without data, which serialization refuses later.
 *
 * @param checks the options that the method takes
 * @throws SseError `invalid-arguments`, `invalid-event-name`
 */
export function eventArguments<Options extends object>(
  method: 'send' | 'broadcast',
  parts: readonly unknown[],
  checks: Readonly<Record<keyof Options, OptionCheck>>,
): EventArguments<Partial<Options>> {
  if (parts.length === 1) return { event: undefined, data: parts[0], options: {} };
  if (parts.length !== 2 && parts.length !== 3) {
    throw new SseError(
      'invalid-arguments',
      `${method} takes data, or an event name and data, or an event name, data and options; it got ${parts.length} arguments.`,
    );
  }
  const [event, data, options = {}] = parts;
  if (event !== undefined && event !== null && typeof event !== 'string') {
    const first = method === 'send' ? 'client' : 'room';
    throw new SseError(
      'invalid-event-name',
      `An event name is a string, not ${describeValue(event)}. For data with options but without a name, call ${method}(${first}, undefined, data, options).`,
    );
  }
  checkCallOptions(method, options, checks);
  return { event: checkEventName(event), data, options: options as Partial<Options> };
}
