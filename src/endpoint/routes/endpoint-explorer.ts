import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { SseError } from '../../protocol/sse-error.js';
import { RESOLVED_SSE_OPTIONS, SSE_ROOM_METADATA } from '../../sse.constants.js';
import type { SerializeData } from '../../protocol/input/serialize-data.js';
import type { RoomPolicy } from '../../rooms/room-policy.js';
import type { ResolvedLimits } from '../../limits/stream-limits.js';
import { checkRoomChanges, type UserOptions } from './room-changes-checks.js';
import { warnOfClassSerializer } from './class-serializer.js';
import { HTTP_CODE, PATH, RESPONSE_ARGUMENT, ROUTE_ARGUMENTS, SSE } from './nest-metadata.js';
import { answerRetryLater } from '../limits/retry-later.filter.js';
import { roomMetadataOf } from './room-metadata.js';
import type { RoomNameRules } from '../../protocol/input/room-name.js';
import { checkTemplates, parametersOf, type RoomSource } from '../room-names.js';
import {
  checkControllerWithoutStreams,
  checkHiddenResponse,
  checkPlainRoute,
  checkProvider,
  checkFirstEvents,
  checkStreamRoute,
  type RouteMethod,
} from './route-checks.js';
import { checkRunRoute, type RunsBroker } from '../runs/run-route-checks.js';
import { warnOfOuterInterceptors, warnOfOwnResponse } from './route-warnings.js';
import { isWrapped } from './wrap-handler.js';

type Class = object & { readonly name: string; readonly prototype: object };
type Handler = object & { readonly name: string };

/** Applications whose endpoints have an explorer. */
const explored = new WeakSet<ModulesContainer>();

/** Handlers that had Nest's `@Sse()`, which is removed for all applications of the process. */
const besideSse = new WeakSet<object>();

interface CheckedOptions extends RoomNameRules, UserOptions {
  readonly broker: RunsBroker;
  readonly serialize: SerializeData;
  readonly policy: RoomPolicy;
  readonly limits: Pick<ResolvedLimits, 'retryAfterMs'>;
}

/**
 * Checks every `@SseRoom` method when the application starts, and reports by name one that cannot work. Removes Nest's
 * `@Sse()` from methods that have both decorators, in any order.
 *
 * @throws SseError `not-a-route`, `unknown-route-parameter`, `invalid-options`, from `onModuleInit`
 */
@Injectable()
export class EndpointExplorer implements OnModuleInit {
  readonly #endpoints: RouteMethod[] = [];
  readonly #config: ApplicationConfig;
  readonly #modules: ModulesContainer;
  readonly #options: CheckedOptions;

  constructor(
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    config: ApplicationConfig,
    modules: ModulesContainer,
    @Inject(RESOLVED_SSE_OPTIONS) options: CheckedOptions,
  ) {
    this.#options = options;
    this.#config = config;
    this.#modules = modules;
    // Each import of the module without `forRoot()` has an explorer of its own.
    if (explored.has(modules)) return;
    explored.add(modules);
    const controllers = classesOf(discovery.getControllers());
    for (const controller of controllers) this.#addController(controller, scanner);
    for (const provider of classesOf(discovery.getProviders())) {
      if (!controllers.has(provider)) checkProvider(provider, scanner.getAllMethodNames(provider.prototype));
    }
  }

  #addController(controller: Class, scanner: MetadataScanner): void {
    const earlier = this.#endpoints.length;
    for (const key of scanner.getAllMethodNames(controller.prototype)) {
      const handler = (controller.prototype as Record<string, Handler>)[key] as Handler;
      const route = { controller, key, handler, label: `${controller.name}.${key}()` };
      // Before Nest registers routes, as it reads their arguments then.
      checkHiddenResponse(route);
      checkPlainRoute(route);
      checkRoomChanges(route, this.#options);
      if (Reflect.hasMetadata(SSE_ROOM_METADATA, handler))
        answerRetryLater(handler, this.#options.limits.retryAfterMs);
      if (!isWrapped(handler)) continue;
      checkStreamRoute(route);
      this.#endpoints.push(route);
      if (Reflect.hasMetadata(SSE, handler)) besideSse.add(handler);
      // With `@Sse()`, Nest would answer the request itself.
      Reflect.deleteMetadata(SSE, handler);
      // The status of every stream; @nestjs/swagger describes a POST as 201 otherwise.
      Reflect.defineMetadata(HTTP_CODE, 200, handler);
    }
    if (this.#endpoints.length === earlier) checkControllerWithoutStreams(controller);
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
      const route = routeText(this.#config.getGlobalPrefix(), prefixes, paths);
      const metadata = roomMetadataOf(controller, handler);
      checkRunRoute(metadata, label, this.#options.broker);
      const sources = metadata.run === undefined ? metadata.sources : [metadata.run.source];
      checkFirstEvents(metadata, label, this.#options.policy);
      for (const source of sources) checkTemplates(source, label, this.#options);
      if (!hasModulePaths) this.#checkParameters(sources, route, label);
    }
    for (const endpoint of this.#endpoints) {
      warnOfOwnResponse(endpoint);
      if (besideSse.has(endpoint.handler)) warnOfOuterInterceptors(this.#config, endpoint);
    }
    if (this.#options.serialize === JSON.stringify) warnOfClassSerializer(this.#config, this.#endpoints);
  }

  #checkParameters(sources: readonly RoomSource<never>[], route: string, label: string): void {
    for (const parameter of sources.flatMap(parametersOf)) {
      if (new RegExp(`:${parameter}(?!\\w)`).test(route)) continue;
      const isWildcard = new RegExp(`\\*${parameter}(?!\\w)`).test(route);
      throw new SseError(
        'unknown-route-parameter',
        isWildcard
          ? `The room of ${label} uses ":${parameter}", which is a wildcard of its route "${route}" and may contain slashes. Use a function of the request.`
          : `The room of ${label} uses ":${parameter}", which its route "${route}" does not have. Add it to the route, or use a function of the request.`,
      );
    }
  }

  /** Returns `true` if `RouterModule` adds paths before controllers. They may contain parameters, known only with a request. */
  #hasModulePaths(): boolean {
    return [...this.#modules.values()].some((module) => module.metatype?.name === 'RouterModule');
  }
}

function isClass(metatype: unknown): metatype is Class {
  return (
    typeof metatype === 'function' && typeof metatype.prototype === 'object' && metatype.prototype !== null
  );
}

function classesOf(wrappers: readonly { readonly metatype: unknown }[]): Set<Class> {
  return new Set(wrappers.map(({ metatype }) => metatype).filter(isClass));
}

/** Route as written, such as `/api/orders/:id`; several paths are joined with ` or `. */
function routeText(...parts: readonly (string | readonly string[] | undefined)[]): string {
  let routes = [''];
  for (const part of parts) {
    const paths = [part ?? ''].flat().map((path) => path.replaceAll(/^\/+|\/+$/g, ''));
    routes = routes.flatMap((route) => paths.map((path) => (path === '' ? route : `${route}/${path}`)));
  }
  return routes.map((route) => route || '/').join(' or ');
}
