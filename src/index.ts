export { SseModule } from './sse.module.js';
export { SseService } from './sse.service.js';
export type { AddOptions, BroadcastOptions } from './sse-service-options.interface.js';
export { SseDestination, type EmitOptions, type ExcludedTarget } from './rooms/publish/sse-destination.js';
export { SseInterceptor } from './sse.interceptor.js';
export { SseRoom } from './sse-room.decorator.js';
export { RunSignal, SseRun, SseRunTail } from './run-routes/sse-run.decorator.js';
export { SseRuns, type StartedRun } from './runs/sse-runs.js';
export { SseRoomChanges } from './room-changes/room-changes.decorator.js';
export type {
  DecideRoom,
  RefusedRoom,
  RoomChangesAnswer,
  RoomDecision,
  SseRoomChangesOptions,
} from './room-changes/room-changes.interface.js';
export { BroadcastsTo } from './method-events/broadcasts-to.decorator.js';
export type { BroadcastsToOptions, RoomsOfResult } from './method-events/published-result.interface.js';
export { OnRoom, type OnRoomOptions } from './method-events/on-room.decorator.js';
export { ConnectedClient } from './connected-client.decorator.js';
export { LastEventId } from './last-event-id.decorator.js';
export type {
  SseModuleOptions,
  SseModuleAsyncOptions,
  SseOptionsFactory,
} from './sse-module-options.interface.js';
export type { SseRoomPolicyOptions } from './rooms/room-policy-options.interface.js';

export { SseRetryLaterException, type RetryLaterOptions } from './endpoint/limits/retry-later.exception.js';
export { SseTickets } from './tickets/sse-tickets.js';
export { ticketOf } from './tickets/request-ticket.js';
export { SseTicketGuard, ticketRooms } from './endpoint/sse-ticket.guard.js';
export type { IssueOptions, SseTicket, SseTicketOptions } from './tickets/ticket-options.interface.js';
export type { TicketStore } from './broker/ticket-store.interface.js';
export type {
  UserStreamOutcome,
  UserStreamRule,
  UserStreamStore,
} from './broker/user-stream-store.interface.js';
export type { AllowedOrigins } from './cross-site/cross-site-options.interface.js';
export type { AuthorizeRoom } from './rooms/authorize/authorize-room.interface.js';
export type { SseSessionOptions } from './sessions/session-options.interface.js';
export type { RunSource } from './endpoint/runs/run-metadata.js';
export type {
  MergeRunEvents,
  SseRunEvent,
  SseRunOptions,
  SseRunRouteOptions,
  SseRunsOptions,
  SseRunStatus,
  SseRunTailOptions,
} from './runs/run-options.interface.js';
export type { SseHealth } from './drain/sse-health.js';
export type { SseLimitOptions } from './limits/limit-options.interface.js';
export { SseClient } from './connection/sse-client.js';
export type { JoinOptions, SseClientContext } from './connection/sse-client.interface.js';
export type { CloseReason } from './connection/close-reason.js';
export type { LoadSnapshot, SseSnapshot, SseSnapshotOptions } from './endpoint/snapshot/snapshot-option.js';
export type { SseRoomOptions } from './endpoint/routes/room-metadata.js';
export type { RoomSource, RoomsOfRequest, RoutedRequest } from './endpoint/room-names.js';
export type { RemoteTarget } from './commands/command-target.js';
export type { DisconnectOptions, RemoteOptions } from './commands/remote-commands.js';
export type { Identify } from './presence/presence.js';
export type { SseMember } from './protocol/sse-member.js';
export type { SseMessage } from './rooms/publish/sse-message.js';
export type { SendOptions } from './rooms/publish/event-publisher.js';
export type { Acknowledge, MissingAcknowledgement } from './protocol/input/acknowledge.js';
export type { JsonValue } from './protocol/json-value.js';
export type { PresenceChange } from './protocol/presence-event.js';
export type { Replay } from './protocol/input/replay-option.js';
export type { RetryRange, RetryTime } from './protocol/input/retry-time.js';
export type { RoomName } from './protocol/input/room-name.js';
export type { SseIdentity } from './protocol/input/user-name.js';
export { SseError, type SseErrorCode } from './protocol/sse-error.js';
export type { SseGauges, SseMetrics, StreamLabels, WriteLatency } from './metrics/sse-metrics.interface.js';
export type { SseTracing, TraceContext, TracedEvent } from './tracing/sse-tracing.interface.js';
export { MemoryBroker } from './broker/memory/memory-broker.js';
export type {
  BrokerListener,
  BrokerLogLevel,
  BrokerState,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  ReadOptions,
  RoomHistoryLimits,
  SseBroker,
} from './broker/broker.interface.js';
export type { PartitionedBroker } from './broker/partitioned-broker.interface.js';
export type { BrokerNode, ControlChannel } from './broker/control-channel.interface.js';
export type {
  PresenceCount,
  PresenceStore,
  PresentUser,
  LocalPresence,
} from './broker/presence-store.interface.js';
export type {
  ClaimedSession,
  SessionChange,
  SessionName,
  SessionOutcome,
  SessionOwner,
  SessionRoom,
  SessionStore,
  SessionTarget,
} from './broker/session-store.interface.js';
export type {
  RunBounds,
  RunChange,
  RunLease,
  RunListener,
  RunPage,
  RunProgress,
  RunRead,
  RunRecord,
  RunStart,
  RunState,
  RunStore,
} from './broker/run-store.interface.js';
export { RoomMessage, type RoomDelivery, type RoomEvent } from './protocol/room-message.js';
export type { EarlierCopy } from './protocol/position.js';
