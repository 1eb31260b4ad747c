/** Metadata key of `@SseRoom` on methods and controllers. */
export const SSE_ROOM_METADATA = 'nestjs-simple-sse:room';

/** Metadata key of the interceptor that `@SseRoom` installs. */
export const SSE_INTERCEPTOR_METADATA = 'nestjs-simple-sse:interceptor';

/** Metadata key of `@SseRoomChanges` on methods. */
export const SSE_ROOM_CHANGES_METADATA = 'nestjs-simple-sse:room-changes';

/** Injection token of the resolved options, for providers inside the module. */
export const RESOLVED_SSE_OPTIONS = Symbol('RESOLVED_SSE_OPTIONS');
