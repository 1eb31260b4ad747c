import type { ExecutionContext } from '@nestjs/common';
import { INTERCEPTORS } from './nest-metadata.js';
import { roomMetadataOf, type SseRoomMetadata } from './room-metadata.js';

/** The parts of a route that are the same for all of its requests. */
export interface StreamRoute {
  readonly controller: object;
  readonly metadata: SseRoomMetadata;
  /** True if interceptors run between that of `@SseRoom` and the handler. */
  readonly hasInnerInterceptors: boolean;
}

/** The routes of an application. Their metadata is read at the first request of each: it takes longer than a join. */
export class StreamRoutes {
  readonly #interceptor: unknown;
  readonly #routes = new WeakMap<object, StreamRoute>();

  /** @param interceptor the class that `@SseRoom` installs */
  constructor(interceptor: unknown) {
    this.#interceptor = interceptor;
  }

  of(context: ExecutionContext): StreamRoute {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const known = this.#routes.get(handler);
    // A handler that two controllers inherit has options of each.
    if (known?.controller === controller) return known;
    const route = {
      controller,
      metadata: roomMetadataOf(controller, handler),
      hasInnerInterceptors: this.#hasInnerInterceptors(handler),
    };
    this.#routes.set(handler, route);
    return route;
  }

  /** Interceptors are listed in the order in which they run. */
  #hasInnerInterceptors(handler: object): boolean {
    const interceptors = Reflect.getMetadata(INTERCEPTORS, handler) as readonly unknown[] | undefined;
    return interceptors !== undefined && interceptors.at(-1) !== this.#interceptor;
  }
}
