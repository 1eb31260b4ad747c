// Entry point `nestjs-simple-sse/client`: an ES module without Nest, for browsers, React Native and Node.
export { connectSse } from './connect-sse.js';
export { fromSse, type SseObservable, type SseObserver } from './from-sse.js';
export { SseClientError, type SseClientErrorCode } from './sse-client-error.js';
export type { ConnectOptions } from './connect-options.interface.js';
export type { EventSourceClass, FetchFunction } from './platform.js';
export type { EventsOptions } from './event-queue.js';
export type { EventsByRoom, EventsOfRoom, LiveRoom, RoomName } from './room-events.js';
export type {
  ChangeRooms,
  RefusedRoom,
  RoomChanges,
  RoomChangesAnswer,
  RoomsOptions,
} from './rooms/rooms-options.interface.js';
export type { SseLive, StateListener } from './sse-live.js';
export type { SseState, SseStateDetail, SseStateReason } from './sse-state.js';
export type {
  AllEvents,
  EventListener,
  EventName,
  EventOf,
  SseControlEvents,
  SseEvent,
  SseGap,
} from './sse-event.js';
