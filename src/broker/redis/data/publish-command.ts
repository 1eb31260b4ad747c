import type { RoomEvent } from '../../../protocol/room-message.js';
import type { HistoryPolicy, PublishOptions } from '../../broker.interface.js';
import { IDEMPOTENCY_WINDOW_MS } from '../../idempotency-keys.js';
import { ephemeralMessage, roomsText } from './channel-message.js';
import { encodeEventText } from './event-codec.js';
import { lastPositionTtlMs } from '../../last-position-ttl.js';
import { clampedLimits } from './clamped-limits.js';
import type { RedisKeys } from './redis-keys.js';

/** How one event goes to Redis. */
export type PublishCommand =
  /** Not remembered, and not to be recognised: a plain SPUBLISH, at a third of the cost. */
  | { readonly kind: 'ephemeral'; readonly channel: string; readonly message: string }
  /** What the publish script takes. */
  | { readonly kind: 'script'; readonly keys: readonly string[]; readonly args: readonly string[] };

/** @returns `undefined` for an event in no room */
export function publishCommand(
  rooms: readonly string[],
  event: RoomEvent,
  options: PublishOptions,
  { policy, names }: { readonly policy: HistoryPolicy; readonly names: RedisKeys },
): PublishCommand | undefined {
  const { volatile = false, idempotencyKey } = options;
  const limits = [...new Set(rooms)].map((room) => ({
    room,
    limit: !volatile && clampedLimits(policy, room),
  }));
  const kept = limits.flatMap(({ room, limit }) => (limit === false ? [] : [{ room, limit }]));
  const forgotten = limits.filter(({ limit }) => limit === false);
  // Those that are remembered come first, so that the positions before stand beside their rooms.
  const inOrder = [...kept, ...forgotten].map(({ room }) => room);
  const [onlyRoom] = inOrder;
  if (onlyRoom === undefined) return undefined;
  const channel = inOrder.length === 1 ? names.channel(onlyRoom) : names.sharedChannel;
  const text = encodeEventText(event, options);
  if (kept.length === 0 && idempotencyKey === undefined) {
    return { kind: 'ephemeral', channel, message: ephemeralMessage(roomsText(inOrder), text) };
  }

  const keys = kept.flatMap(({ room }) => [names.stream(room), names.last(room)]);
  if (idempotencyKey !== undefined) keys.push(names.receipt(idempotencyKey));
  const receiptTtl = idempotencyKey === undefined ? 0 : IDEMPOTENCY_WINDOW_MS;
  const args = [`${receiptTtl}`, channel, roomsText(inOrder), text, `${kept.length}`];
  for (const { limit } of kept) {
    args.push(`${limit.maxEvents}`, `${limit.maxAgeMs}`, `${lastPositionTtlMs(limit)}`);
  }
  return { kind: 'script', keys, args };
}
