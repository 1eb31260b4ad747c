import { HttpCode, HttpStatus, UseInterceptors } from '@nestjs/common';
import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { MAX_TIMER_MS, wholeNumber, type OptionCheck } from '../protocol/input/option-checks.js';
import { checkReplay } from '../protocol/input/replay-option.js';
import { SseError } from '../protocol/sse-error.js';
import { SSE_ROOM_CHANGES_METADATA } from '../sse.constants.js';
import { describeRoute } from './open-api.js';
import { RoomChangesInterceptor } from './room-changes.interceptor.js';
import type { RoomChangesMetadata, SseRoomChangesOptions } from './room-changes.interface.js';

const DEFAULTS = { maxRooms: 100, timeoutMs: 5_000, replay: 0 };

const CHECKS: Readonly<Record<keyof SseRoomChangesOptions, OptionCheck>> = {
  maxRooms: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  timeoutMs: wholeNumber(1, MAX_TIMER_MS),
  replay: checkReplay,
  user: (value) =>
    typeof value === 'function' ? undefined : 'a function that returns the user of a request',
};

/**
 * Makes a POST route the place where a page joins and leaves rooms while its stream is open, on whatever node that is. The page
 * sends `{ client, join: ['chat/7'], leave: ['chat/6'] }` as JSON; `client` is the id in the event `sse:ready` of its stream, or `session` the key of its session in its place.
 * The answer is `{ joined, left, refused: [{ room, status, message }] }`, with status 200. When it is sent, every event that is
 * published to a joined room reaches the stream.
 *
 * ```ts
 * @Post('rooms')
 * @UseGuards(SignedInGuard)
 * @SseRoomChanges()
 * rooms(@Req() { user }: SignedInRequest) {
 *   return (room: string) => this.chats.isMember(user, room);
 * }
 * ```
 *
 * Guards, pipes, filters and interceptors run as on any route. The handler returns a function that decides for each room to
 * join, or one boolean for all: `false` refuses it with 403, an exception with its status. To leave a room needs no permission.
 *
 * The stream must belong to the user whom `identify` names for this request too. Without `identify` and tickets, whoever knows
 * the id, a random UUID that only the page of the stream receives, can change its rooms.
 *
 * Answers 400 and changes nothing for a body with another member, too many rooms, or an invalid name; 403 for a page of another
 * site (`allowedOrigins`); 404 for a stream that does not exist or is somebody else's; 503 where a node has not answered.
 *
 * @throws SseError `invalid-options`; `not-a-route` on anything but a method, and when the application starts on a method that
 * is no POST route, or has `@SseRoom`; `unsupported-by-broker` when the application starts
 */
export function SseRoomChanges<Request = never>(
  options: SseRoomChangesOptions<Request> = {},
): MethodDecorator {
  checkOptions(options);
  const { maxRooms = DEFAULTS.maxRooms, timeoutMs = DEFAULTS.timeoutMs, replay = DEFAULTS.replay } = options;
  const metadata = { ...options, maxRooms, timeoutMs, replay } as RoomChangesMetadata;
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor): void => {
    const handler: unknown = descriptor?.value;
    if (descriptor === undefined || typeof handler !== 'function') {
      throw new SseError(
        'not-a-route',
        `@SseRoomChanges() decorates methods of controllers, not ${key === undefined ? 'classes' : `the property ${String(key)}`}.`,
      );
    }
    Reflect.defineMetadata(SSE_ROOM_CHANGES_METADATA, metadata, handler);
    HttpCode(HttpStatus.OK)(target, key, descriptor);
    UseInterceptors(RoomChangesInterceptor)(target, key, descriptor);
    describeRoute(handler, metadata.maxRooms);
  };
}

function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof SseRoomChangesOptions] : undefined;
    if (check === undefined) {
      throw new SseError(
        'invalid-options',
        `@SseRoomChanges() has no option "${name}".${didYouMean(name, Object.keys(CHECKS))}`,
      );
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected === undefined) continue;
    throw new SseError(
      'invalid-options',
      `The option "${name}" of @SseRoomChanges() is ${expected}, not ${describeValue(value)}.`,
    );
  }
}
