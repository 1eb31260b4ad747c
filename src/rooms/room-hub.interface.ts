import type { BrokerListener } from '../broker/broker.interface.js';
import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { CallbackFailures } from '../callbacks/callback-failures.js';
import type { ConnectionOptions } from '../connection/connection-services.js';
import type { ControlArrival } from '../connection/sse-client.interface.js';
import type { ResponseWriter } from '../connection/response/response-writer.js';
import type { RoomNameRules } from '../protocol/input/room-name.js';
import type { RetryTime } from '../protocol/input/retry-time.js';
import type { Replay } from '../protocol/input/replay-option.js';
import type { SerializeData } from '../protocol/input/serialize-data.js';
import type { PublisherOptions } from './publish/event-publisher.js';
import type { ClientObserver } from './client-observer.interface.js';
import type { ReportFailure } from './reported-promise.js';
import type { StateSnapshot } from './state-snapshot.interface.js';
import type { NodeTracing } from '../tracing/node-tracing.js';
import type { RoomPolicy } from './room-policy.js';

/** Options of the hub of one node. */
export interface HubOptions extends ConnectionOptions, RoomNameRules {
  readonly broker: PartitionedBroker;
  readonly policy: RoomPolicy;
  /** True if streams with rooms begin with `sse:ready`. */
  readonly readyEvent: boolean;
  readonly serialize: SerializeData;
  readonly limits?: PublisherOptions['limits'] & { readonly maxRoomsPerClient?: number | false };
  /** Takes failures of the application's callbacks and subscribers. */
  readonly callbacks: CallbackFailures;
  /** Default: none. */
  readonly tracing?: NodeTracing | undefined;
  readonly eventCheck?: PublisherOptions['eventCheck'];
  /** Takes failures that no caller receives. */
  readonly report: ReportFailure;
  readonly observer?: ClientObserver;
  /**
   * Takes control messages of other nodes and of this one. Returns `false` for a malformed one.
   */
  readonly onControl?: (text: string, arrival: ControlArrival) => boolean;
  /** Takes lines of the log of the broker. */
  readonly onBrokerLog?: BrokerListener['onLog'];
  /** Called when a partition of the broker has a new history: what was stored last may be lost. */
  readonly onEpochChange?: () => void;
}

/** The request that becomes a client. */
export interface NewClient {
  readonly request: unknown;
  readonly writer: ResponseWriter;
  readonly lastEventId: string | undefined;
  /** As in `ClientConnection.tracksPosition`. */
  readonly tracksPosition: boolean;
  /** As in `ClientConnection.tracksPositionOnceJoined`. Default: `false`. */
  readonly tracksPositionOnceJoined?: boolean;
  /** True if the gate is shut from now on until `attach`. */
  readonly held: boolean;
}

/** How a stream opens. */
export interface Opening {
  /** As in `AttachTiming`. Default: `false`. */
  readonly nextTurn?: boolean;
  /** As in `AttachTiming`. Default: none. */
  readonly newest?: Replay | undefined;
  /** As in `AttachTiming`. Default: none. */
  readonly snapshot?: StateSnapshot | undefined;
  /** Reconnection time in milliseconds; `false` sends none. */
  readonly retryMs: RetryTime | false;
}
