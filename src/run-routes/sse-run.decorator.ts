import { createParamDecorator, UseInterceptors } from '@nestjs/common';
import { hideDesignType } from '../endpoint/client-argument.js';
import type { RoutedRequest } from '../endpoint/room-names.js';
import { addRoomMetadata } from '../endpoint/routes/room-metadata.js';
import { isWrapped, wrapHandler } from '../endpoint/routes/wrap-handler.js';
import {
  checkRunMetadata,
  runDecorator,
  type RunMetadata,
  type RunSource,
} from '../endpoint/runs/run-metadata.js';
import { runSignalOfContext } from '../endpoint/runs/run-signal.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseRunRouteOptions, SseRunTailOptions } from '../runs/run-options.interface.js';
import { SseInterceptor } from '../sse.interceptor.js';

/**
 * Makes a route start a run with the values of its handler, or follow the run of that name that goes on, on any node. The answer
 * is the run as a stream, from its first event on. The run goes on when its client has gone.
 *
 * ```ts
 * @Post('chats/:id/answer')
 * @SseRun('chats/:id', { stopWhenUnwatchedMs: 60_000 })
 * async *answer(@Body() prompt: Prompt, @RunSignal() signal: AbortSignal) {
 *   for await (const token of this.model.stream(prompt, { signal })) yield { event: 'token', data: token };
 * }
 * ```
 *
 * Guards and pipes run before the run is looked for, and the handler runs only where it is not going on. The stream opens at the
 * first event: a failure before it is answered with its HTTP status, and so is 409 with `whenRunning: 'conflict'`, 503 at the
 * limit `runs.maxRuns`, and 400 for an invalid name.
 *
 * @param run a name that may contain parameters of the route (`:id`), or a function of the request
 * @param options bounds of the run, and options of its stream
 * @throws SseError `invalid-options`, `invalid-room`; `not-a-route` on anything but a method; `unsupported-by-broker` and
 * `unknown-route-parameter` when the application starts
 */
export function SseRun<Request = RoutedRequest>(
  run: RunSource<Request>,
  options: SseRunRouteOptions = {},
): MethodDecorator {
  return runRoute({ kind: 'run', source: run as RunSource<never>, options });
}

/**
 * Makes a route follow a run: from its first event, or from the `Last-Event-ID` of the request, while it goes on and for `keepMs`
 * after its end. Then `sse:end` is sent and the stream ends; a client that comes back is answered with 204, after which a native
 * `EventSource` stops. The handler runs before, after guards and pipes, and returns nothing.
 *
 * ```ts
 * @Get('chats/:id/answer')
 * @SseRunTail('chats/:id', { compact: 'concat' })
 * tail(): void {}
 * ```
 *
 * @param run as in `@SseRun`
 * @throws SseError as `@SseRun`
 */
export function SseRunTail<Request = RoutedRequest>(
  run: RunSource<Request>,
  options: SseRunTailOptions = {},
): MethodDecorator {
  return runRoute({ kind: 'tail', source: run as RunSource<never>, options });
}

/**
 * Injects the `AbortSignal` of the run into a method with `@SseRun`. It aborts when the run is stopped, reaches a limit of its
 * time, or has lost its lease, and not when the client of the request goes.
 */
export const RunSignal = createParamDecorator(runSignalOfContext, [hideDesignType]);

function runRoute(run: RunMetadata): MethodDecorator {
  checkRunMetadata(run);
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (typeof descriptor?.value !== 'function') {
      throw new SseError('not-a-route', `${runDecorator(run)} decorates methods of controllers.`);
    }
    if (!isWrapped(descriptor.value)) {
      wrapHandler(target, key, descriptor);
      UseInterceptors(SseInterceptor)(target, key, descriptor);
    }
    const { retryMs } = run.options;
    addRoomMetadata(descriptor.value as object, {
      sources: [],
      run,
      ...(retryMs !== undefined && { retryMs }),
    });
  };
}
