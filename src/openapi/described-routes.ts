import type { INestApplicationContext } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { RoomSource } from '../endpoint/room-names.js';
import { GUARDS } from '../endpoint/routes/nest-metadata.js';
import { roomMetadataOf, type SseRoomMetadata } from '../endpoint/routes/room-metadata.js';
import { isWrapped } from '../endpoint/routes/wrap-handler.js';
import { SseTicketGuard, ticketRooms } from '../endpoint/sse-ticket.guard.js';
import { exampleOf } from '../protocol/input/room-template.js';

/** A stream as its decorators describe it. */
export interface DescribedRoute {
  readonly handler: object;
  readonly metadata: SseRoomMetadata;
  /** Rooms as in `@SseRoom`; `undefined` where only a request knows them. */
  readonly rooms: readonly string[] | undefined;
  /** True where a request is answered with 400 for a wrong name. */
  readonly hasOwnNames: boolean;
  readonly hasGuards: boolean;
  readonly needsTicket: boolean;
}

type Class = object & { readonly prototype: object };

/** Finds the streams of an application: methods with `@SseRoom`, `@SseRun` or `@SseRunTail`. */
export function describedRoutesOf(app: INestApplicationContext): DescribedRoute[] {
  const discovery = app.get(DiscoveryService, { strict: false });
  const config = app.get(ApplicationConfig, { strict: false });
  const scanner = new MetadataScanner();
  const controllers = new Set(discovery.getControllers().map(({ metatype }) => metatype as Class | null));
  const found = new Map<object, DescribedRoute>();
  for (const controller of controllers) {
    if (controller === null) continue;
    for (const key of scanner.getAllMethodNames(controller.prototype)) {
      const handler: unknown = (controller.prototype as Record<string, unknown>)[key];
      if (!isWrapped(handler)) continue;
      const route = routeOf(controller, handler as object, config);
      const other = found.get(route.handler);
      found.set(route.handler, other === undefined ? route : merged(route, other));
    }
  }
  return [...found.values()];
}

function routeOf(controller: Class, handler: object, config: ApplicationConfig): DescribedRoute {
  const metadata = roomMetadataOf(controller, handler);
  const sources: readonly RoomSource<never>[] =
    metadata.run === undefined ? metadata.sources : [metadata.run.source];
  const isOpen = metadata.run === undefined && metadata.sources.length === 0;
  const names = sources.flat().filter((source) => typeof source !== 'function');
  const isComputed = sources.some((source) => typeof source === 'function');
  const guards = [controller, handler].flatMap((of) => (Reflect.getMetadata(GUARDS, of) ?? []) as unknown[]);
  const needsTicket = guards.includes(SseTicketGuard) || sources.includes(ticketRooms);
  return {
    handler,
    metadata,
    rooms: isOpen || isComputed ? undefined : names.map(String),
    hasOwnNames: isComputed || names.some((name) => exampleOf(String(name)) !== String(name)),
    hasGuards: guards.length + config.getGlobalGuards().length + config.getGlobalRequestGuards().length > 0,
    needsTicket,
  };
}

/** Controllers that inherit a method share it. A document cannot tell by the method which of them an operation is of. */
function merged(one: DescribedRoute, other: DescribedRoute): DescribedRoute {
  return {
    ...one,
    rooms: one.rooms && other.rooms && [...new Set([...one.rooms, ...other.rooms])],
    hasOwnNames: one.hasOwnNames || other.hasOwnNames,
    hasGuards: one.hasGuards || other.hasGuards,
    needsTicket: one.needsTicket || other.needsTicket,
  };
}
