import { fillTemplate } from '../protocol/input/room-template.js';
import type { RoomName } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection, isThenable } from '../protocol/thenable.js';
import type { SseService } from '../sse.service.js';
import type { PublishedResult } from './published-result.interface.js';

/** Publishes the result of a method. @returns settles as `broadcast`; rejects also with what a function of the application throws */
export async function publishResult(
  service: SseService,
  { label, room, event, options }: PublishedResult,
  result: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  const rooms =
    typeof room === 'function'
      ? room(result as never, args as never)
      : [room].flat().map((each) => filled(each, result, label));
  if (isThenable(rooms)) {
    ignoreRejection(rooms);
    throw new SseError(
      'invalid-room',
      `The room function of @BroadcastsTo() on ${label} returned a promise. Return a name, names, or undefined for no room.`,
    );
  }
  const named = [rooms].flat().filter((each) => each !== undefined && each !== null);
  if (named.length === 0) return undefined;
  const data = options.data === undefined ? result : options.data(result as never, args as never);
  ignoreRejection(data);
  const { volatile } = options;
  return service.broadcast(
    named,
    event,
    data === undefined ? null : data,
    volatile === undefined ? {} : { volatile },
  );
}

function filled(template: RoomName, result: unknown, label: string): RoomName {
  if (typeof template !== 'string') return template;
  const values = typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : {};
  return fillTemplate(
    template,
    values,
    (key, characters) =>
      new SseError(
        'invalid-room',
        `The room "${template}" of ${label} needs the property "${key}" of its result: a text without ${characters}, or a number. Correct it, or use a function (result, args).`,
      ),
  );
}
