import { Module, type DynamicModule } from '@nestjs/common';
import { SseModule } from '../sse.module.js';
import { resolveHttpApiOptions } from './http-api-checks.js';
import {
  ConfigurableModuleClass,
  type ASYNC_OPTIONS_TYPE,
  type OPTIONS_TYPE,
} from './http-api.module-definition.js';
import { RESOLVED_HTTP_API_OPTIONS } from './publish-key.guard.js';
import { PublishService } from './publish.service.js';

/**
 * Publishing over HTTP, for services in other languages, scripts and webhooks: `POST /sse/publish` takes one event or a batch,
 * and answers with the positions. It uses the `SseModule` of the application.
 *
 * ```ts
 * @Module({
 *   imports: [SseModule.forRoot(), SseHttpApiModule.forRoot({ keys: [process.env['PUBLISH_KEY'] ?? ''] })],
 * })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [SseModule],
  providers: [
    PublishService,
    // `forRoot` and `forRootAsync` override it: an import without them is refused.
    { provide: RESOLVED_HTTP_API_OPTIONS, useFactory: () => resolveHttpApiOptions({}, false) },
  ],
})
export class SseHttpApiModule extends ConfigurableModuleClass {
  /**
   * Mounts the route. It takes bearer keys, guards of the application, or both: a request must then pass both.
   *
   * @param options see `SseHttpApiOptions` and `SseHttpApiRouteOptions`
   * @throws SseError `invalid-options`, while the application is created: without keys and guards, with a key of fewer than 32
   * characters, with an option of a wrong value or an unknown name
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Mounts the route with options from `useFactory` (with `inject` and `imports`), `useClass` or `useExisting`. Those of
   * `SseHttpApiRouteOptions` stand beside it, since a route is fixed before factories run.
   *
   * ```ts
   * SseHttpApiModule.forRootAsync({
   *   path: 'events',
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ keys: [config.getOrThrow('PUBLISH_KEY')] }),
   * })
   * ```
   *
   * @throws SseError `invalid-options`, as `forRoot`
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
