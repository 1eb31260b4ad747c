import type { ExecutionContext } from '@nestjs/common';

const controllers = new WeakMap<object, AbortController>();

/** The signal of the run that a request may start. */
export function runAbortOf(request: object): AbortController {
  let controller = controllers.get(request);
  if (controller === undefined) controllers.set(request, (controller = new AbortController()));
  return controller;
}

/** Returns the value of `@RunSignal()`. */
export function runSignalOfContext(_data: unknown, context: ExecutionContext): AbortSignal {
  return runAbortOf(context.switchToHttp().getRequest<object>()).signal;
}
