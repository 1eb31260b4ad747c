import { Module, type DynamicModule } from '@nestjs/common';
import { READS_NODE_TOTALS } from '../metrics/node-totals.js';
import { SseModule } from '../sse.module.js';
import { adminController } from './admin.controller.js';
import { AdminFeed } from './admin-feed.service.js';
import type { SseAdminOptions } from './admin-options.interface.js';
import { ADMIN_OPTIONS, resolveAdminOptions, type ResolvedAdminOptions } from './admin-options.js';
import { SseError } from '../protocol/sse-error.js';

/**
 * A page for operators: the live streams, rooms, slow clients, gaps, resumes and brokers of all nodes, what one client receives,
 * and buttons that end a stream and send a test event.
 *
 * ```ts
 * @Module({ imports: [SseModule.forRoot(), SseAdminModule.forRoot({ path: 'sse-admin', guards: [OpsGuard] })] })
 * export class AppModule {}
 * ```
 *
 * Import it on every node that should be seen. While nobody looks at the page, it costs one subscription.
 */
@Module({})
export class SseAdminModule {
  /**
   * Mounts the page behind guards of the application.
   *
   * @throws SseError `invalid-options`, while the application is created: a wrong option, or no guard without
   * `unprotected: true`
   */
  static forRoot(options: SseAdminOptions = {}): DynamicModule {
    const resolved = resolvedOrError(options);
    if (resolved instanceof SseError) {
      return {
        module: SseAdminModule,
        providers: [{ provide: ADMIN_OPTIONS, useFactory: () => fail(resolved) }],
      };
    }
    return {
      module: SseAdminModule,
      imports: [SseModule, ...resolved.imports],
      controllers: [adminController(resolved)],
      providers: [
        { provide: ADMIN_OPTIONS, useValue: resolved },
        { provide: READS_NODE_TOTALS, useValue: true },
        AdminFeed,
      ],
    };
  }
}

/** An error is thrown only while the application is created, as that of `SseModule` is. */
function resolvedOrError(options: SseAdminOptions): ResolvedAdminOptions | SseError {
  try {
    return resolveAdminOptions(options);
  } catch (error) {
    if (error instanceof SseError) return error;
    throw error;
  }
}

function fail(error: SseError): never {
  throw error;
}
