import { ClassSerializerInterceptor, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { SseError } from '../protocol/sse-error.js';
import { RESOLVED_SSE_OPTIONS, SSE_ROOM_METADATA } from '../sse.constants.js';
import type { SerializeData } from '../protocol/serialize-data.js';
import { PATH, RESPONSE_ARGUMENT, ROUTE_ARGUMENTS, SSE } from './nest-metadata.js';
import { parametersOf, type RoomSource } from './room-names.js';
import { isWrapped } from './wrap-handler.js';

type Handler = object & { readonly name: string };

/**
 * Looks at every `@SseRoom` method when the application starts: takes over those that Nest's `@Sse()` decorates too,
 * whichever stands above, and refuses by name those that could not work.
 */
@Injectable()
export class EndpointExplorer implements OnModuleInit {
  readonly #endpoints: { controller: object; key: string; handler: Handler; label: string }[] = [];
  readonly #config: ApplicationConfig;
  readonly #modules: ModulesContainer;
  readonly #serialize: SerializeData;

  constructor(
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    config: ApplicationConfig,
    modules: ModulesContainer,
    @Inject(RESOLVED_SSE_OPTIONS) options: { readonly serialize: SerializeData },
  ) {
    this.#serialize = options.serialize;
    this.#config = config;
    this.#modules = modules;
    for (const { metatype } of discovery.getControllers()) {
      const prototype = (metatype as { prototype?: object } | null)?.prototype;
      if (prototype === undefined) continue;
      for (const key of scanner.getAllMethodNames(prototype)) {
        const handler = (prototype as Record<string, Handler>)[key] as Handler;
        if (!isWrapped(handler)) continue;
        // Before routes are made: Nest would answer the request itself.
        Reflect.deleteMetadata(SSE, handler);
        const controller = metatype as object & { name: string };
        this.#endpoints.push({ controller, key, handler, label: `${controller.name}.${key}()` });
      }
    }
  }

  /** After the application's own set-up, so that the global prefix is known. */
  onModuleInit(): void {
    const hasModulePaths = this.#hasModulePaths();
    for (const { controller, key, handler, label } of this.#endpoints) {
      const paths = Reflect.getMetadata(PATH, handler) as string | string[] | undefined;
      if (paths === undefined) {
        throw new SseError(
          'not-a-route',
          `@SseRoom() on ${label} needs a route: add @Get() or another route decorator.`,
        );
      }
      const args = (Reflect.getMetadata(ROUTE_ARGUMENTS, controller, key) ?? {}) as object;
      if (!Object.keys(args).some((name) => name.startsWith(`${RESPONSE_ARGUMENT}:`))) {
        throw new SseError(
          'not-a-route',
          `${label} could not take over its response: this version of Nest is not supported.`,
        );
      }
      const prefixes = Reflect.getMetadata(PATH, controller) as string | string[] | undefined;
      const route = [prefixes ?? '', paths, this.#config.getGlobalPrefix()].flat().join('/');
      if (!hasModulePaths) this.#checkParameters(sourcesOf(controller, handler), route, label);
    }
    this.#warnOfClassSerializer();
  }

  /** What it hides from other routes' answers it would not hide from events. */
  #warnOfClassSerializer(): void {
    const serializes = this.#config
      .getGlobalInterceptors()
      .some((interceptor) => interceptor instanceof ClassSerializerInterceptor);
    if (!serializes || this.#endpoints.length === 0 || this.#serialize !== JSON.stringify) return;
    new Logger('SseModule').warn(
      'The global ClassSerializerInterceptor does not reach events: fields with @Exclude() are sent. Set the option "serialize" to (data) => JSON.stringify(instanceToPlain(data)).',
    );
  }

  #checkParameters(sources: readonly RoomSource<never>[], route: string, label: string): void {
    for (const parameter of sources.flatMap(parametersOf)) {
      if (new RegExp(`[:*]${parameter}(?!\\w)`).test(route)) continue;
      throw new SseError(
        'unknown-route-parameter',
        `The room of ${label} uses ":${parameter}", which its route "${route}" does not have. Add it to the route, or use a function of the request.`,
      );
    }
  }

  /** Paths that `RouterModule` puts before controllers may hold parameters too; then only a request can tell. */
  #hasModulePaths(): boolean {
    return [...this.#modules.values()].some((module) => module.metatype?.name === 'RouterModule');
  }
}

function sourcesOf(...targets: readonly object[]): RoomSource<never>[] {
  return targets.flatMap(
    (target) =>
      (
        Reflect.getMetadata(SSE_ROOM_METADATA, target) as
          { sources: readonly RoomSource<never>[] } | undefined
      )?.sources ?? [],
  );
}
