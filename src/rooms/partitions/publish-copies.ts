import type { PublishOptions, SseBroker } from '../../broker/broker.interface.js';
import type { MissingAcknowledgement } from '../../protocol/input/acknowledge.js';
import type { EarlierCopy, ResumePoint } from '../../protocol/position.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import type { StreamPosition } from '../../protocol/stream-position.js';

/** The result of a publish to several partitions. */
export interface PublishedCopies {
  /** `undefined` for an event that cannot be replayed. */
  readonly position: StreamPosition | undefined;
  /** Of the partitions that lack replicas, the one with the fewest. `undefined` if all were confirmed. */
  readonly missing: MissingAcknowledgement | undefined;
}

/** Publishes one copy, as `SseBroker.publish` of its partition. */
export type PublishCopy = (
  partition: number,
  ...copy: Parameters<SseBroker['publish']>
) => ReturnType<SseBroker['publish']>;

/**
 * Publishes one event to the partitions of its rooms, one after the other. Each copy names the earlier copies, so that a
 * client in rooms of several partitions receives the event once. Missing replicas do not stop the publish.
 *
 * @param rooms the rooms by partition
 */
export async function publishCopies(
  rooms: ReadonlyMap<number, readonly string[]>,
  publish: PublishCopy,
  event: RoomEvent,
  options: PublishOptions,
): Promise<PublishedCopies> {
  const published = new Map<number, ResumePoint>();
  let copies: EarlierCopy[] | undefined;
  let fewest: MissingAcknowledgement | undefined;
  for (const [partition, partitionRooms] of rooms) {
    const receipt = await publish(partition, partitionRooms, event, { ...options, copies });
    const { replayable, epoch, position, missing } = receipt;
    if (replayable) published.set(partition, { epoch, position });
    copies = [...(copies ?? []), { partition, position: replayable ? position : 0, rooms: partitionRooms }];
    if (missing !== undefined && missing.confirmedBy < (fewest?.confirmedBy ?? Infinity)) fewest = missing;
  }
  return { position: published.size === 0 ? undefined : published, missing: fewest };
}
