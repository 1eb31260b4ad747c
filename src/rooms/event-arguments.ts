import { checkEventName } from '../protocol/event-fields.js';
import { SseError } from '../protocol/sse-error.js';

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
 * @throws SseError `invalid-arguments`, `invalid-event-name`
 */
export function eventArguments<Options extends object>(
  method: string,
  parts: readonly unknown[],
): EventArguments<Partial<Options>> {
  if (parts.length === 1) return { event: undefined, data: parts[0], options: {} };
  if (parts.length !== 2 && parts.length !== 3) {
    throw new SseError(
      'invalid-arguments',
      `${method} takes data, or an event name and data, or an event name, data and options; it got ${parts.length} arguments.`,
    );
  }
  const [event, data, options = {}] = parts;
  if (typeof options !== 'object' || options === null) {
    throw new SseError('invalid-arguments', `The options of ${method} are an object.`);
  }
  return { event: checkEventName(event), data, options };
}
