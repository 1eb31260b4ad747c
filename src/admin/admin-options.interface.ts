import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';

/** Options of `SseAdminModule.forRoot()`. */
export interface SseAdminOptions {
  /**
   * Path of the page, below the global prefix: one or more segments of letters, digits, `-`, `_` and `.`. Default:
   * `'sse-admin'`.
   */
  readonly path?: string;

  /**
   * Guards of the page and of all that it requests, as in `@UseGuards()`: classes or instances. A browser sends cookies and
   * Basic credentials with an `EventSource`, and no other header. Required, except with `unprotected`.
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];

  /**
   * `true`: no guard of this module protects the page, such as where a global guard of the application does, or where nobody
   * else reaches the server. Default: `false`.
   */
  readonly unprotected?: boolean;

  /** Modules whose providers the guards inject. Default: none. */
  readonly imports?: ModuleMetadata['imports'];

  /** Name of this node on the page, 1 to 64 characters. Default: host and process id. */
  readonly nodeName?: string;
}
