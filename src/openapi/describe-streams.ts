import type { INestApplicationContext } from '@nestjs/common';
import { overlap } from '../contract/check-contract.js';
import { ContractRooms, type ContractEntry } from '../contract/contract-rooms.js';
import type { EventContract } from '../contract/event-contract.js';
import { describeValue } from '../protocol/error-text.js';
import { checkCallOptions } from '../protocol/input/option-checks.js';
import { exampleOf } from '../protocol/input/room-template.js';
import { SseError } from '../protocol/sse-error.js';
import type { RoomPolicy } from '../rooms/room-policy.js';
import { RESOLVED_SSE_OPTIONS } from '../sse.constants.js';
import { SseTickets } from '../tickets/sse-tickets.js';
import { Components } from './components.js';
import type { ControlEventName } from './control-events.js';
import { DataSchemas } from './data-schema.js';
import { checkToJsonSchema, type DescribeOptions } from './describe-options.js';
import { isObject } from './json-schema.js';
import { describeOperation, type Operation } from './operation.js';
import { hasSessions, type StreamSettings } from './stream-answers.js';
import { StreamEvents } from './stream-events.js';
import { describedRoutesOf, type DescribedRoute } from './described-routes.js';

/** The parts of an OpenAPI document that are read or written. Documents of `@nestjs/swagger` have them. */
export interface OpenApiDocument {
  /** Version, such as `3.1.0`. */
  openapi: string;
  /** Path items by path. */
  paths: object;
  /** Schemas by name, among others. */
  components?: { schemas?: object };
}

/** The metadata that `@nestjs/swagger` copies into the document as the extensions of an operation. */
const EXTENSIONS = 'swagger/apiExtension';
/** Marks the operations of streams while a document is created. */
const MARK = 'x-nestjs-simple-sse';

interface Marked {
  [MARK]?: number;
}

const FAILURE = {
  type: 'object',
  required: ['statusCode', 'message'],
  properties: { statusCode: { type: 'integer' }, error: { type: 'string' }, message: { type: 'string' } },
};

type Settings = Omit<StreamSettings, 'tickets'> & {
  readonly events: EventContract | undefined;
  readonly policy: Pick<RoomPolicy, 'hasPresence' | 'publishesPresenceEvents'>;
};

/**
 * Describes the streams of an application in its OpenAPI document: the media type `text/event-stream`, the events of the rooms of each
 * stream with their data from the contract (`SseModule.forRoot({ events })`), parameters, and statuses. Schemas are those of the version
 * of the document: `itemSchema` from OpenAPI 3.2 on, and `schema` before. What the application has described itself stays.
 *
 * ```ts
 * const config = new DocumentBuilder().setTitle('Shop').setOpenAPIVersion('3.2.0').build();
 * const document = describeStreams(app, () => SwaggerModule.createDocument(app, config));
 * SwaggerModule.setup('api', app, document);
 * ```
 *
 * @param app the application, before or after `listen`
 * @param create creates the document: the streams are found by marks that are set while it runs
 * @returns the document of `create`, changed in place
 * @throws SseError `invalid-arguments`; `invalid-options` for data that has no JSON Schema; `module-not-imported`. And what `create` throws
 */
export function describeStreams<Document extends OpenApiDocument>(
  app: INestApplicationContext,
  create: () => Document,
  options: DescribeOptions = {},
): Document {
  checkCallOptions('describeStreams()', options, { toJsonSchema: checkToJsonSchema });
  const settings = settingsOf(app);
  const routes = describedRoutesOf(app);
  const document = withMarks(routes, create);
  const version = versionOf(document);
  const components = new Components(Object.keys(document.components?.schemas ?? {}));
  const target = version === '3.0' ? 'openapi-3.0' : 'draft-2020-12';
  const events = new StreamEvents(
    components,
    new DataSchemas(target, options.toJsonSchema),
    version === '3.0',
  );
  let failure: ReturnType<Components['add']> | undefined;
  for (const [operation, route] of takeMarked(document, routes)) {
    describeOperation(operation, {
      route,
      settings,
      events: events.describe(entriesOf(route, settings.events), controlOf(route, settings)),
      field: version === '3.2' ? 'itemSchema' : 'schema',
      failure: (failure ??= components.add('SseRefusal', FAILURE)),
    });
  }
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, ...components.added };
  return document;
}

function settingsOf(app: INestApplicationContext): Settings & StreamSettings {
  try {
    const options = app.get<Settings>(RESOLVED_SSE_OPTIONS, { strict: false });
    return { ...options, tickets: app.get(SseTickets, { strict: false }) };
  } catch (cause) {
    throw new SseError(
      'module-not-imported',
      'describeStreams() has found no SseModule in the application. Import SseModule.forRoot().',
      { cause },
    );
  }
}

/** Runs `create` while each stream has an extension with its number. */
function withMarks<Document>(routes: readonly DescribedRoute[], create: () => Document): Document {
  const earlier = routes.map(
    ({ handler }) => Reflect.getOwnMetadata(EXTENSIONS, handler) as object | undefined,
  );
  try {
    for (const [index, { handler }] of routes.entries())
      Reflect.defineMetadata(EXTENSIONS, { ...earlier[index], [MARK]: index }, handler);
    return create();
  } finally {
    for (const [index, { handler }] of routes.entries()) {
      if (earlier[index] === undefined) Reflect.deleteMetadata(EXTENSIONS, handler);
      else Reflect.defineMetadata(EXTENSIONS, earlier[index], handler);
    }
  }
}

function versionOf(document: unknown): '3.0' | '3.1' | '3.2' {
  const { openapi, paths } = (document ?? {}) as Partial<OpenApiDocument>;
  const [, minor] = /^3\.(\d+)\./.exec(typeof openapi === 'string' ? openapi : '') ?? [];
  if (minor === undefined || typeof paths !== 'object') {
    throw new SseError(
      'invalid-arguments',
      `describeStreams() takes a function that returns an OpenAPI document of version 3, not ${describeValue(document)}.`,
    );
  }
  if (minor === '0' || minor === '1') return `3.${minor}`;
  return '3.2';
}

/** Takes the marks off, and returns the operations that had one. */
function takeMarked(
  document: OpenApiDocument,
  routes: readonly DescribedRoute[],
): [Operation, DescribedRoute][] {
  const items = Object.values(document.paths as Record<string, object>);
  return items.flatMap((item) =>
    Object.values(item).flatMap((operation: unknown): [Operation, DescribedRoute][] => {
      if (!isObject(operation) || typeof operation[MARK] !== 'number') return [];
      const { [MARK]: index } = operation;
      const route = routes[index];
      delete (operation as Marked)[MARK];
      return route === undefined ? [] : [[operation, route]];
    }),
  );
}

/** The keys of the contract whose events a stream may carry. Those of runs are in no contract. */
function entriesOf(
  { metadata, rooms }: DescribedRoute,
  contract: EventContract | undefined,
): ContractEntry[] {
  if (contract === undefined || metadata.run !== undefined) return [];
  const known = new ContractRooms(contract['~rooms']);
  const all = [...known.all].filter(({ events }) => Object.keys(events).length > 0);
  if (rooms === undefined) return all;
  const isOf = (key: string, room: string): boolean =>
    exampleOf(room) === room ? known.of(room)?.key === key : key !== '*' && overlap(room, key);
  return all.filter(({ key }) => key === '*' || rooms.some((room) => isOf(key, room)));
}

function controlOf(route: DescribedRoute, settings: Settings & StreamSettings): ControlEventName[] {
  const { metadata, rooms } = route;
  const { run } = metadata;
  if ((metadata.control ?? run?.options.control) === false) return [];
  const { policy, readyEvent } = settings;
  const hasPosition = run !== undefined || metadata.sources.length > 0 || hasSessions(route, settings);
  const hasPresence =
    run === undefined &&
    policy.hasPresence &&
    (rooms === undefined || rooms.some((room) => policy.publishesPresenceEvents(exampleOf(room))));
  const names: (ControlEventName | false)[] = [
    hasPosition && readyEvent && 'sse:ready',
    hasPosition && 'sse:gap',
    hasPresence && 'sse:join',
    hasPresence && 'sse:leave',
    run === undefined ? 'sse:error' : 'sse:end',
  ];
  return names.filter((name) => name !== false);
}
