import { checkContract, contractExpected } from '../contract/check-contract.js';
import type { EventContract, RoomContract } from '../contract/event-contract.js';
import { describeValue } from '../protocol/error-text.js';
import { checkCallOptions } from '../protocol/input/option-checks.js';
import { PARAMETER } from '../protocol/input/room-template.js';
import { SseError } from '../protocol/sse-error.js';
import { componentName, Components, freeName } from './components.js';
import { dataFormOf } from './data-form.js';
import { DataSchemas } from './data-schema.js';
import { checkToJsonSchema, type DescribeOptions } from './describe-options.js';
import { isObject, type JsonSchema } from './json-schema.js';

/** Options of `createAsyncApi`. */
export interface AsyncApiOptions extends DescribeOptions {
  /** The Info Object: name and version of the application, and whatever else AsyncAPI allows there. */
  readonly info: { readonly title: string; readonly version: string; readonly [field: string]: unknown };
  /** The Server Objects by name, such as `{ production: { host: 'shop.example', protocol: 'https' } }`. Default: none. */
  readonly servers?: Readonly<Record<string, object>>;
}

/** An AsyncAPI document of version 3.0. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: AsyncApiOptions['info'];
  readonly servers?: AsyncApiOptions['servers'];
  /** One channel for each key of the contract. */
  readonly channels: Readonly<Record<string, object>>;
  /** One `send` operation of the application for each channel. */
  readonly operations: Readonly<Record<string, object>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const MEDIA_TYPES = { text: 'text/plain', json: 'application/json', either: undefined } as const;

/**
 * Creates the AsyncAPI document of a contract: each key is a channel, each of its events a message that the application sends, and
 * its data the payload, as JSON Schema of draft 7. Neither an application nor another package is needed.
 *
 * ```ts
 * const document = createAsyncApi(events, { info: { title: 'Shop', version: '1.0.0' } });
 * await writeFile('asyncapi.json', JSON.stringify(document, null, 2));
 * ```
 *
 * @param events what `defineEvents` returned
 * @throws SseError `invalid-arguments`; `invalid-options` for a contract that `forRoot` refuses too, and for data that has no JSON Schema
 */
export function createAsyncApi(events: EventContract, options: AsyncApiOptions): AsyncApiDocument {
  checkArguments(events, options);
  const components = new Components();
  const data = new DataSchemas('draft-07', options.toJsonSchema);
  const channels: Record<string, object> = {};
  const operations: Record<string, object> = {};
  const names = new Set<string>();
  for (const [key, contract] of Object.entries(events['~rooms'])) {
    const name = freeName(componentName(key), names);
    channels[name] = channelOf(key, contract, components, data);
    operations[`send${name}`] = { action: 'send', channel: { $ref: `#/channels/${name}` } };
  }
  const { info, servers } = options;
  return {
    asyncapi: '3.0.0',
    info,
    ...(servers !== undefined && { servers }),
    channels,
    operations,
    components: { schemas: components.added },
  };
}

function channelOf(key: string, contract: RoomContract, components: Components, data: DataSchemas): object {
  const parameters = Array.from(key.matchAll(PARAMETER), ([, name = '']) => [name, {}] as const);
  const names = new Set<string>();
  const messages = Object.entries(contract).map(([event, standard]): [string, object] => {
    const schema = data.of(standard, key, event);
    return [
      freeName(componentName(event), names),
      messageOf(event, schema, componentName(key, event), components),
    ];
  });
  return {
    address: key.replace(PARAMETER, '{$1}'),
    ...(key === '*' && { description: 'All clients.' }),
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
    messages: Object.fromEntries(messages),
  };
}

function messageOf(
  name: string,
  schema: JsonSchema | undefined,
  title: string,
  components: Components,
): object {
  if (schema === undefined) return { name };
  const payload = components.add(title, schema);
  const contentType = MEDIA_TYPES[dataFormOf(payload, components.find)];
  return { name, ...(contentType !== undefined && { contentType }), payload };
}

function checkArguments(events: unknown, options: unknown): void {
  const expected = contractExpected(events);
  if (expected !== undefined) {
    throw new SseError(
      'invalid-arguments',
      `createAsyncApi() takes ${expected}, not ${describeValue(events)}.`,
    );
  }
  // Names with asterisks are allowed or refused by the application.
  checkContract(events as EventContract, { allowAsteriskInRoomNames: true });
  checkCallOptions('createAsyncApi()', options ?? {}, {
    info: (value) =>
      isObject(value) && ['title', 'version'].every((field) => typeof value[field] === 'string')
        ? undefined
        : 'an object with the texts title and version',
    servers: (value) => (isObject(value) ? undefined : 'an object of servers by name'),
    toJsonSchema: checkToJsonSchema,
  });
  if ((options as Partial<AsyncApiOptions> | undefined)?.info !== undefined) return;
  throw new SseError(
    'invalid-arguments',
    'createAsyncApi() needs the option "info", with title and version.',
  );
}
