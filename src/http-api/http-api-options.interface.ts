import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';

/** A bearer key that may publish to some rooms only. */
export interface SseHttpApiKey {
  /** 32 or more of the characters `A-Z a-z 0-9 - . _ ~ + / =`, such as the output of `openssl rand -hex 32`. */
  readonly key: string;
  /** Rooms that the key may publish to; a `*` stands for any characters. Default: all rooms. */
  readonly rooms?: readonly string[];
}

/** Options of `SseHttpApiModule` that may come from a factory of `forRootAsync`. */
export interface SseHttpApiOptions {
  /**
   * Bearer keys; any of them is accepted, so that a new key can be introduced before the old one is removed. Default: none,
   * which needs `guards`.
   */
  readonly keys?: readonly (string | SseHttpApiKey)[];
  /** Most events of one request. `false`: no limit. Default: 100. */
  readonly maxBatch?: number | false;
  /**
   * Most rooms of one request, over all of its events. An event for 100,000 rooms blocks a node, and Redis, for about a second.
   * `false`: no limit. Default: 1,000.
   */
  readonly maxRooms?: number | false;
  /**
   * Most bytes of a request's body. The limit of the platform's own parser holds as well: 100 KB on Express, 1 MiB on Fastify.
   * `false`: that limit alone. Default: 1,048,576.
   */
  readonly maxBodyBytes?: number | false;
}

/** Options of `SseHttpApiModule` that make its route. */
export interface SseHttpApiRouteOptions {
  /** Path in front of `/publish`, below the global prefix. Default: `'sse'`. */
  readonly path?: string;
  /** Version of the route, where the application has versioning: `'1'`, or several. Default: that of the application. */
  readonly version?: string | string[];
  /** Guards of the application that run after the check of the key. Default: none, which needs `keys`. */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Decorators of the application for the controller, such as one that exempts it from a global guard. Default: none. */
  readonly decorators?: readonly ClassDecorator[];
  /** Modules whose providers the guards inject. Default: none. */
  readonly imports?: ModuleMetadata['imports'];
}
