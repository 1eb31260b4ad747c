import type { RoomEvent } from '../../../protocol/room-message.js';
import type { HistoryPolicy, PublishOptions } from '../../broker.interface.js';
import { IDEMPOTENCY_WINDOW_MS } from '../../idempotency-keys.js';
import { ephemeralMessage, roomsText } from './channel-message.js';
import { encodeEventText } from './event-codec.js';
import { lastPositionTtlMs } from '../../completeness.js';
import { clampedLimits } from './clamped-limits.js';
import type { RedisKeys } from './redis-keys.js';

/** The Redis command that publishes one event. */
export type PublishCommand =
  /** A plain SPUBLISH, at a third of the cost, for a volatile event without an idempotency key. */
  | { readonly kind: 'ephemeral'; readonly channel: string; readonly message: string }
  /** Keys and arguments of `PUBLISH_SCRIPT`. */
  | {
      readonly kind: 'script';
      readonly keys: readonly string[];
      readonly args: readonly string[];
      /** `true` if some room stores the event. */
      readonly isStored: boolean;
    };

/** @returns `undefined` for an event without a room */
export function publishCommand(
  rooms: readonly string[],
  event: RoomEvent,
  options: PublishOptions,
  { policy, redisKeys }: { readonly policy: HistoryPolicy; readonly redisKeys: RedisKeys },
): PublishCommand | undefined {
  const { volatile = false, idempotencyKey } = options;
  const limits = [...new Set(rooms)].map((room) => ({
    room,
    limit: !volatile && clampedLimits(policy, room),
  }));
  const stored = limits.flatMap(({ room, limit }) => (limit === false ? [] : [{ room, limit }]));
  const unstored = limits.filter(({ limit }) => limit === false);
  const recorded = volatile ? [] : unstored;
  // Stored rooms come first, so that the script's list of previous positions matches the start of the list of rooms.
  const sortedRooms = [...stored, ...unstored].map(({ room }) => room);
  const [onlyRoom] = sortedRooms;
  if (onlyRoom === undefined) return undefined;
  const channel = sortedRooms.length === 1 ? redisKeys.channel(onlyRoom) : redisKeys.multiRoomChannel;
  const text = encodeEventText(event, options);
  if (volatile && idempotencyKey === undefined) {
    return { kind: 'ephemeral', channel, message: ephemeralMessage(roomsText(sortedRooms), text) };
  }

  const keys = stored.flatMap(({ room }) => [redisKeys.stream(room), redisKeys.lastPosition(room)]);
  for (const { room } of recorded) keys.push(redisKeys.unstoredPosition(room));
  if (idempotencyKey !== undefined) keys.push(redisKeys.receipt(idempotencyKey));
  const receiptTtlMs = idempotencyKey === undefined ? 0 : IDEMPOTENCY_WINDOW_MS;
  const args = [
    `${receiptTtlMs}`,
    channel,
    roomsText(sortedRooms),
    text,
    `${stored.length}`,
    `${recorded.length}`,
  ];
  for (const { limit } of stored) {
    args.push(`${limit.maxEvents}`, `${limit.maxAgeMs}`, `${lastPositionTtlMs(limit)}`);
  }
  return { kind: 'script', keys, args, isStored: stored.length > 0 };
}
