/** Where `@SseRoom` keeps what it was given, on methods and controllers. */
export const SSE_ROOM_METADATA = 'nestjs-simple-sse:room';

/** The provider of the resolved options, for parts inside the module. */
export const RESOLVED_SSE_OPTIONS = Symbol('RESOLVED_SSE_OPTIONS');
