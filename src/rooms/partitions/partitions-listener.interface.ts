import type { BrokerListener } from '../../broker/broker.interface.js';
import type { ControlArrival } from '../../connection/sse-client.interface.js';
import type { ResumePoint } from '../../protocol/position.js';

/** By the name of a room that lost events: rooms in other partitions that may have missed one of them too. */
export type LaterRooms = ReadonlyMap<string, ReadonlySet<string>>;

/** Receives the messages and the state of all partitions. `onEpochChange` names the partition. */
export interface PartitionsListener extends Pick<
  BrokerListener,
  'onMessage' | 'onStateChange' | 'onLog' | 'subscribesLater'
> {
  onControl?(text: string, arrival: ControlArrival): boolean | void;
  onEpochChange(partition: number, current: ResumePoint, laterRooms: LaterRooms): void;
  onGap(rooms: readonly string[], laterRooms: LaterRooms): void;
}
