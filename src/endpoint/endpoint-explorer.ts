import { ClassSerializerInterceptor, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { SseError } from '../protocol/sse-error.js';
import { RESOLVED_SSE_OPTIONS } from '../sse.constants.js';
import type { SerializeData } from '../protocol/serialize-data.js';
import { PATH, RESPONSE_ARGUMENT, ROUTE_ARGUMENTS, SSE } from './nest-metadata.js';
import { roomMetadataOf } from './room-metadata.js';
import { parametersOf, type RoomSource } from './room-names.js';
import { isWrapped } from './wrap-handler.js';

type Handler = object & { readonly name: string };

/** Applications whose endpoints have an explorer. */
const explored = new WeakSet<ModulesContainer>();

/**
 * Checks every `@SseRoom` method when the application starts, and reports by name one that cannot work. Removes Nest's
 * `@Sse()` from methods that have both decorators, in any order.
 *
 * @throws SseError `not-a-route`, `unknown-route-parameter`, from `onModuleInit`
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
    // Each import of the module without `forRoot()` has an explorer of its own.
    if (explored.has(modules)) return;
    explored.add(modules);
    for (const { metatype } of discovery.getControllers()) {
      const prototype = (metatype as { prototype?: object } | null)?.prototype;
      if (prototype === undefined) continue;
      for (const key of scanner.getAllMethodNames(prototype)) {
        const handler = (prototype as Record<string, Handler>)[key] as Handler;
        if (!isWrapped(handler)) continue;
        // Before Nest registers routes: with `@Sse()`, Nest would answer the request itself.
        Reflect.deleteMetadata(SSE, handler);
        const controller = metatype as object & { name: string };
        this.#endpoints.push({ controller, key, handler, label: `${controller.name}.${key}()` });
      }
    }
  }

  /** Runs the checks after the set-up of the application, which may set a global prefix. */
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
      if (!hasModulePaths) this.#checkParameters(roomMetadataOf(controller, handler).sources, route, label);
    }
    this.#warnOfClassSerializer();
  }

  /** Warns that fields hidden from the answers of other routes are not hidden from events. */
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

  /** Returns `true` if `RouterModule` adds paths before controllers. They may contain parameters, known only with a request. */
  #hasModulePaths(): boolean {
    return [...this.#modules.values()].some((module) => module.metatype?.name === 'RouterModule');
  }
}
