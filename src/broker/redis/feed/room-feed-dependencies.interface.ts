import type { MalformedMessages } from '../data/malformed-messages.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RedisDriver } from '../driver/redis-driver.interface.js';
import type { DeliveryOrder } from '../history/delivery-order.js';
import type { RoomReader } from '../history/room-reader.js';
import type { CommandLink } from '../link/command-link.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import type { RunChannels } from '../runs/run-channels.js';
import type { LocalRooms } from './local-rooms.js';

/** Not subscribed; receiving events that are buffered until missed ones have been read from history; delivering events. */
export type FeedPhase = 'down' | 'syncing' | 'live';

export interface RoomFeedDependencies {
  readonly driver: RedisDriver;
  readonly redisKeys: RedisKeys;
  readonly commands: CommandLink;
  readonly reader: RoomReader;
  readonly rooms: LocalRooms;
  readonly runs: RunChannels;
  readonly order: DeliveryOrder;
  readonly options: ResolvedRedisOptions;
  readonly malformed: MalformedMessages;
  readonly onControl: (text: string) => void;
  readonly onPhase: (phase: FeedPhase, error?: Error) => void;
}
