import { Res } from '@nestjs/common';
import { RESPONSE_PASSTHROUGH, ROUTE_ARGUMENTS } from './nest-metadata.js';

/** Runs the handler of a request that becomes a stream. The interceptor sets it, and the wrapped handler finds it. */
export interface HandlerRunner {
  run(handler: () => unknown): Promise<unknown>;
}

const runners = new WeakMap<object, HandlerRunner>();
const wrapped = new WeakSet<object>();

/** Sets the runner of the handler that is about to answer `response`. */
export function setHandlerRunner(response: object, runner: HandlerRunner): void {
  runners.set(response, runner);
}

export function isWrapped(handler: unknown): boolean {
  return typeof handler === 'function' && wrapped.has(handler);
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
  const used = usedArguments(target, key);
  const hidden = Math.max(used, method.length, parameterTypes(target, key).length);
  Res()(target, key, hidden);
  // A handler's own `@Res({ passthrough: true })` would let Nest answer.
  Reflect.deleteMetadata(RESPONSE_PASSTHROUGH, target.constructor, key);

  const handler = function (this: unknown, ...args: unknown[]): unknown {
    const response = args[hidden];
    const runner = typeof response === 'object' && response !== null ? runners.get(response) : undefined;
    if (runner === undefined) return method.apply(this, args);
    // Releases the runner: a stream may stay open for hours.
    runners.delete(response as object);
    // Without the hidden argument, which a rest parameter would receive.
    return runner.run(() => method.apply(this, args.slice(0, used)));
  };
  for (const name of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(name, Reflect.getMetadata(name, method), handler);
  }
  Object.defineProperty(handler, 'name', { value: method.name, configurable: true });
  Object.defineProperty(handler, 'length', { value: method.length, configurable: true });
  wrapped.add(handler);
  descriptor.value = handler;
}

function usedArguments(target: object, key: string | symbol): number {
  const args = (Reflect.getMetadata(ROUTE_ARGUMENTS, target.constructor, key) ?? {}) as Record<
    string,
    { index: number }
  >;
  return Object.values(args).reduce((count, { index }) => Math.max(count, index + 1), 0);
}

function parameterTypes(target: object, key: string | symbol): readonly unknown[] {
  return (Reflect.getMetadata('design:paramtypes', target, key) ?? []) as readonly unknown[];
}
