import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { checkEventName } from '../protocol/input/event-fields.js';
import { checkTarget } from '../protocol/input/room-name.js';
import { ambiguousPart, bracesIn, exampleOf } from '../protocol/input/room-template.js';
import { SseError } from '../protocol/sse-error.js';
import { SseService } from '../sse.service.js';
import { BROADCASTS_TO, SERVICE } from './broadcasts-to.decorator.js';
import { ON_ROOM, type ListeningMethod } from './on-room.decorator.js';
import type { PublishedResult } from './published-result.interface.js';
import { RoomListeners } from './room-listeners.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Applications whose methods have an explorer. */
const explored = new WeakSet<ModulesContainer>();

/**
 * Finds the methods with `@BroadcastsTo` and `@OnRoom` when the application starts.
 *
 * @throws SseError `invalid-room`, `invalid-event-name`, `unknown-room`, `unknown-event`, `invalid-options`, from `onModuleInit`
 */
@Injectable()
export class MethodExplorer implements OnModuleInit, BeforeApplicationShutdown {
  readonly #wrappers: readonly Wrapper[];
  readonly #scanner: MetadataScanner;
  readonly #service: SseService;
  readonly #listeners: RoomListeners;

  constructor(
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    modules: ModulesContainer,
    service: SseService,
  ) {
    this.#scanner = scanner;
    this.#service = service;
    this.#listeners = new RoomListeners(service.internals.hub);
    // Each import of the module without `forRoot()` has an explorer of its own.
    const isFirst = !explored.has(modules);
    explored.add(modules);
    this.#wrappers = isFirst ? [...discovery.getProviders(), ...discovery.getControllers()] : [];
  }

  onModuleInit(): void {
    const seen = new Set<unknown>();
    for (const wrapper of this.#wrappers) {
      const { instance } = wrapper as { readonly instance: unknown };
      if (typeof instance !== 'object' || instance === null || wrapper.isAlias || seen.has(instance))
        continue;
      seen.add(instance);
      const prototype = Object.getPrototypeOf(instance) as Record<string, unknown> | null;
      if (prototype === null || prototype === Object.prototype) continue;
      for (const key of this.#scanner.getAllMethodNames(prototype)) this.#add(wrapper, instance, key);
    }
  }

  beforeApplicationShutdown(): void {
    this.#listeners.close();
  }

  #add(wrapper: Wrapper, instance: object, key: string): void {
    const method = (instance as Record<string, unknown>)[key];
    if (typeof method !== 'function') return;
    const published = (Reflect.getMetadata(BROADCASTS_TO, method) ?? []) as readonly PublishedResult[];
    for (const each of published) this.#check(each);
    // Nest sets it in what it creates, and not in what a factory of the application returns.
    if (published.length > 0) (instance as { [SERVICE]?: SseService })[SERVICE] ??= this.#service;
    const label = `${instance.constructor.name}.${key}()`;
    for (const listening of (Reflect.getMetadata(ON_ROOM, method) ?? []) as readonly ListeningMethod[]) {
      if (!wrapper.isDependencyTreeStatic()) throw requestScoped(label);
      this.#listeners.add({ ...listening, label, call: (message) => method.call(instance, message) });
    }
  }

  #check({ room, event, label }: PublishedResult): void {
    const name = checkEventName(event);
    if (typeof room === 'function') return;
    const { options, hub } = this.#service.internals;
    for (const template of [room].flat()) {
      const text = String(template);
      const fault = bracesIn(text) ?? ambiguousPart(text);
      if (fault !== undefined) {
        throw new SseError(
          'invalid-room',
          `The room "${text}" of ${label} contains "${fault}". Write parameters as ":id", with a separator between them, or use a function (result, args).`,
        );
      }
      checkTarget(exampleOf(text), options);
      hub.events.checkDefined(exampleOf(text), name);
    }
  }
}

function requestScoped(label: string): SseError {
  return new SseError(
    'invalid-options',
    `@OnRoom() on ${label} needs an object that exists without a request, and its class is request-scoped or transient, or depends on such a one. Move the method to another provider.`,
  );
}
