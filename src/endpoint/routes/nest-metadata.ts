/**
 * Metadata keys of Nest's decorators. They are internal to Nest and the same in versions 11 and 12. If one changes, the
 * start-up check of `EndpointExplorer` or the tests on both versions fail.
 */
export const SSE = '__sse__';
export const PATH = 'path';
export const METHOD = 'method';
export const HTTP_CODE = '__httpCode__';
export const REDIRECT = '__redirect__';
export const RENDER_TEMPLATE = '__renderTemplate__';
export const GUARDS = '__guards__';
export const INTERCEPTORS = '__interceptors__';
export const EXCEPTION_FILTERS = '__exceptionFilters__';
export const ROUTE_ARGUMENTS = '__routeArguments__';
export const RESPONSE_PASSTHROUGH = '__responsePassthrough__';

/** Type of the argument `@Res()`, which is before the colon in the keys of `ROUTE_ARGUMENTS`. */
export const RESPONSE_ARGUMENT = 1;
