import { Res } from '@nestjs/common';
import { RESPONSE_ARGUMENT, ROUTE_ARGUMENTS } from './nest-metadata.js';

/** Arguments of one route, as Nest stores them: by type and index. */
export type RouteArguments = Readonly<Record<string, { readonly index: number; readonly factory?: unknown }>>;

/** Entries that `hideResponse` added, each with the class that it was added to. */
const hiddenEntries = new WeakMap<object, object>();

/** Arguments of a route. Nest lets a method that overrides another one inherit its arguments. */
export function routeArguments(controller: object, key: string | symbol): RouteArguments {
  return (Reflect.getMetadata(ROUTE_ARGUMENTS, controller, key) ?? {}) as RouteArguments;
}

/** Adds a `@Res()` at `index`, which keeps Nest from answering the request. */
export function hideResponse(target: object, key: string | symbol, index: number): void {
  Res()(target, key, index);
  const entry = routeArguments(target.constructor, key)[`${RESPONSE_ARGUMENT}:${index}`];
  if (entry !== undefined) hiddenEntries.set(entry, target.constructor);
}

/** Returns the class whose `@SseRoom` hides the response of a route from Nest; `undefined` if Nest answers it. */
export function hidesResponse(controller: object, key: string | symbol): object | undefined {
  return Object.values(routeArguments(controller, key))
    .map((entry) => hiddenEntries.get(entry))
    .find((owner) => owner !== undefined);
}

/** Removes the hidden responses that `controller` inherits for `key`; those of `keep` stay. */
export function dropHiddenResponse(controller: object, key: string | symbol, keep?: object): void {
  const entries = Object.entries(routeArguments(controller, key));
  const declared = entries.filter(([, entry]) => {
    const owner = hiddenEntries.get(entry);
    return owner === undefined || owner === keep;
  });
  if (declared.length === entries.length) return;
  Reflect.defineMetadata(ROUTE_ARGUMENTS, Object.fromEntries(declared), controller, key);
}

/** The class of the prototype chain that declares a method. */
export function declaringClass(prototype: object, key: string): object {
  let declaring: object = prototype;
  while (!Object.hasOwn(declaring, key)) declaring = Object.getPrototypeOf(declaring) as object;
  return declaring.constructor;
}
