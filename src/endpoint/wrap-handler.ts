import { Res } from '@nestjs/common';
import { RESPONSE_PASSTHROUGH, ROUTE_ARGUMENTS } from './nest-metadata.js';

/** What runs the handler of a request that becomes a stream; set by the interceptor, found by the handler. */
export interface HandlerRunner {
  run(handler: () => unknown): Promise<unknown>;
}

const runners = new WeakMap<object, HandlerRunner>();
const takenOver = new WeakSet<object>();

/** Tells the handler that answers `response` who runs it. */
export function setHandlerRunner(response: object, runner: HandlerRunner): void {
  runners.set(response, runner);
}

export function isWrapped(handler: unknown): boolean {
  return typeof handler === 'function' && takenOver.has(handler);
}

/**
 * Makes a method's response its own affair. A hidden `@Res()` behind its parameters keeps Nest from answering, and the
 * wrapper hands what the method returns to the stream instead of to Nest. Called without a response, as in a unit
 * test, the method is what it was.
 *
 * The descriptor is changed in place: `applyDecorators` ignores what a decorator returns.
 */
export function takeOver(target: object, key: string | symbol, descriptor: PropertyDescriptor): void {
  const method = descriptor.value as (...args: unknown[]) => unknown;
  if (takenOver.has(method)) return;
  const used = usedArguments(target, key);
  const hidden = Math.max(used, method.length, parameterTypes(target, key).length);
  Res()(target, key, hidden);
  // A handler's own `@Res({ passthrough: true })` would undo it.
  Reflect.deleteMetadata(RESPONSE_PASSTHROUGH, target.constructor, key);

  const handler = function (this: unknown, ...args: unknown[]): unknown {
    const response = args[hidden];
    const runner = typeof response === 'object' && response !== null ? runners.get(response) : undefined;
    if (runner === undefined) return method.apply(this, args);
    // A running stream must not hold on to how it opened.
    runners.delete(response as object);
    // Without the hidden argument, or a rest parameter would see it.
    return runner.run(() => method.apply(this, args.slice(0, used)));
  };
  for (const name of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(name, Reflect.getMetadata(name, method), handler);
  }
  Object.defineProperty(handler, 'name', { value: method.name, configurable: true });
  Object.defineProperty(handler, 'length', { value: method.length, configurable: true });
  takenOver.add(handler);
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
