import { SseError } from '../../protocol/sse-error.js';
import { after } from '../../protocol/thenable.js';
import { dropHiddenResponse, hideResponse, routeArguments } from './hidden-response.js';
import { RESPONSE_ARGUMENT, RESPONSE_PASSTHROUGH } from './nest-metadata.js';

/** Runs the handler of a request that becomes a stream. The interceptor sets it, and the wrapped handler finds it. */
export interface HandlerRunner {
  /** @param controller the instance whose method it is. @returns a promise only where the handler does */
  run(handler: () => unknown, controller?: unknown): unknown;
}

const runners = new WeakMap<object, HandlerRunner>();
const wrapped = new WeakSet<object>();
/** Wrapped handlers with a `@Res()` of their own, without `passthrough`. */
const withOwnResponse = new WeakSet<object>();

/** Runs a handler whose stream has started: an interceptor above `@SseRoom` may call it again, as `repeat()` does. */
const STARTED: HandlerRunner = { run: (handler) => handler() };

/** Sets the runner of the handler that is about to answer `response`. */
export function setHandlerRunner(response: object, runner: HandlerRunner): void {
  runners.set(response, runner);
}

export function isWrapped(handler: unknown): boolean {
  return typeof handler === 'function' && wrapped.has(handler);
}

/** Returns `true` if a wrapped handler has a `@Res()` of its own, without `passthrough`. */
export function ownsResponse(handler: object): boolean {
  return withOwnResponse.has(handler);
}

/**
 * Wraps a route handler, so that its result goes to a stream instead of to Nest. A hidden `@Res()` parameter behind the
 * others keeps Nest from answering the request. Called without a response, as in a unit test, the wrapper calls the
 * method unchanged.
 *
 * Changes the descriptor in place, because `applyDecorators` ignores what a decorator returns.
 */
export function wrapHandler(target: object, key: string | symbol, descriptor: PropertyDescriptor): void {
  const method = descriptor.value as (...args: unknown[]) => unknown;
  if (wrapped.has(method)) return;
  // A method that overrides another `@SseRoom` method would receive its response as an argument.
  dropHiddenResponse(target.constructor, key);
  const used = usedArguments(target, key);
  const hidden = Math.max(used, method.length, parameterTypes(target, key).length);
  const isOwn = takesResponse(target, key);
  hideResponse(target, key, hidden);
  // A handler's own `@Res({ passthrough: true })` would let Nest answer.
  Reflect.deleteMetadata(RESPONSE_PASSTHROUGH, target.constructor, key);

  const handler = function (this: unknown, ...args: unknown[]): unknown {
    const response = args[hidden];
    if (typeof response !== 'object' || response === null) return method.apply(this, args);
    const runner = runners.get(response);
    if (runner === undefined) throw withoutRunner(target, key);
    // Without the hidden argument, which a rest parameter would receive.
    return run(runner, response, () => method.apply(this, args.slice(0, used)), this);
  };
  for (const name of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(name, Reflect.getMetadata(name, method), handler);
  }
  Object.defineProperty(handler, 'name', { value: method.name, configurable: true });
  Object.defineProperty(handler, 'length', { value: method.length, configurable: true });
  wrapped.add(handler);
  if (isOwn) withOwnResponse.add(handler);
  descriptor.value = handler;
}

function run(runner: HandlerRunner, response: object, handler: () => unknown, controller: unknown): unknown {
  // Releases the runner, as a stream may stay open for hours. A handler that failed may be run again by `retry()`.
  const release = (value: unknown): unknown => {
    runners.set(response, STARTED);
    return value;
  };
  return after(runner.run(handler, controller), release);
}

/** Nest does not answer a request with a hidden response, so that it would never end. */
function withoutRunner(target: object, key: string | symbol): SseError {
  return new SseError(
    'broken-route',
    `${target.constructor.name}.${String(key)}() got a request that SseInterceptor did not handle, so no stream can carry what it returns. Do not override SseInterceptor, in tests neither; a unit test calls the method with its own arguments only.`,
  );
}

/** Returns `true` for `@Res()` without `passthrough`, with which Nest does not answer the request. */
function takesResponse(target: object, key: string | symbol): boolean {
  const types = Object.keys(routeArguments(target.constructor, key));
  const isTaken = types.some((type) => type.startsWith(`${RESPONSE_ARGUMENT}:`));
  return isTaken && Reflect.getMetadata(RESPONSE_PASSTHROUGH, target.constructor, key) !== true;
}

function usedArguments(target: object, key: string | symbol): number {
  return Object.values(routeArguments(target.constructor, key)).reduce(
    (count, { index }) => Math.max(count, index + 1),
    0,
  );
}

function parameterTypes(target: object, key: string | symbol): readonly unknown[] {
  return (Reflect.getMetadata('design:paramtypes', target, key) ?? []) as readonly unknown[];
}
