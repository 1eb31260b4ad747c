/**
 * Where Nest keeps what its decorators said. Internal names, the same in Nest 11 and 12; should one change, the
 * start-up check of `EndpointExplorer` or the tests on both majors say so.
 */
export const SSE = '__sse__';
export const PATH = 'path';
export const INTERCEPTORS = '__interceptors__';
export const ROUTE_ARGUMENTS = '__routeArguments__';
export const RESPONSE_PASSTHROUGH = '__responsePassthrough__';

/** The kind of a route argument that is the response, as `ROUTE_ARGUMENTS` writes it before a colon. */
export const RESPONSE_ARGUMENT = 1;
