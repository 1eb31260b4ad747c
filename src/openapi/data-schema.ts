import { TYPE_ONLY } from '../contract/event-contract.js';
import type { StandardSchema } from '../contract/standard-schema.interface.js';
import { describeValue, messageOf } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import { isObject, type JsonSchema } from './json-schema.js';
import { toOpenApi30 } from './openapi-30.js';

/** A dialect of JSON Schema, by its name in the Standard JSON Schema specification. */
export type SchemaTarget = 'draft-2020-12' | 'draft-07' | 'openapi-3.0';

/**
 * Returns the JSON Schema of the data of an event, in the dialect `target`; `undefined` leaves it to the schema itself, and `{}`
 * allows any data.
 */
export type ToJsonSchema = (
  schema: StandardSchema,
  context: { readonly target: SchemaTarget; readonly room: string; readonly event: string },
) => object | undefined;

/** The part of the Standard JSON Schema specification, version 1, that is used (https://standardschema.dev/json-schema). */
interface Convertible {
  readonly jsonSchema?: {
    readonly input?: (options: {
      readonly target: SchemaTarget;
      readonly libraryOptions?: Readonly<Record<string, unknown>> | undefined;
    }) => unknown;
  };
}

/** JSON writes a `Date` as its ISO 8601 text, and `Date` has no JSON Schema of its own. */
const DATE = { type: 'string', format: 'date-time' };

/** The argument that zod passes to `override`. */
interface ZodContext {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } };
  readonly jsonSchema: object;
}

/** Options by vendor: without them libraries refuse dates, or allow anything for one, and refuse what JSON Schema has no word for. */
const LIBRARY_OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  zod: {
    unrepresentable: 'any',
    override: ({ zodSchema: { _zod: zod }, jsonSchema }: ZodContext) =>
      zod.def.type === 'date' && Object.assign(jsonSchema, DATE),
  },
  arktype: { fallback: { date: ({ base }: { readonly base: object }) => ({ ...base, ...DATE }) } },
  valibot: {
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema: { type } }: { valibotSchema: { type: string } }) =>
      type === 'date' ? DATE : undefined,
  },
};

/** Converts the schemas of one contract to one dialect. */
export class DataSchemas {
  readonly #target: SchemaTarget;
  readonly #toJsonSchema: ToJsonSchema | undefined;

  constructor(target: SchemaTarget, toJsonSchema: ToJsonSchema | undefined) {
    this.#target = target;
    this.#toJsonSchema = toJsonSchema;
  }

  /**
   * @returns `undefined` for `typeOnly`
   * @throws SseError `invalid-options` for a schema that cannot be converted
   */
  of(schema: StandardSchema, room: string, event: string): JsonSchema | undefined {
    const target = this.#target;
    const refused = (fault: string, cause?: unknown): SseError =>
      new SseError(
        'invalid-options',
        `The data of the event ${describeValue(event)} of ${describeValue(room)} cannot be described: ${fault}. ` +
          'Return its JSON Schema from the option "toJsonSchema", or {} for any data.',
        { cause },
      );
    let found: unknown;
    try {
      found = this.#toJsonSchema?.(schema, { target, room, event }) ?? this.#own(schema);
    } catch (error) {
      throw refused(messageOf(error).replace(/\.$/, ''), error);
    }
    const { vendor } = schema['~standard'];
    if (found === undefined && vendor === TYPE_ONLY) return undefined;
    if (found === undefined)
      throw refused(`schemas of ${describeValue(vendor)} have no "~standard.jsonSchema"`);
    if (!isObject(found)) throw refused(`its JSON Schema is ${describeValue(found)}`);
    return target === 'openapi-3.0' ? toOpenApi30(found) : found;
  }

  #own(schema: StandardSchema): unknown {
    const { vendor, jsonSchema } = schema['~standard'] as StandardSchema['~standard'] & Convertible;
    const convert = jsonSchema?.input;
    if (convert === undefined) return undefined;
    const libraryOptions = LIBRARY_OPTIONS[vendor];
    try {
      return convert({ target: this.#target, libraryOptions });
    } catch (error) {
      // Libraries need not know this dialect, which is translated below.
      if (this.#target !== 'openapi-3.0') throw error;
      return convert({ target: 'draft-2020-12', libraryOptions });
    }
  }
}
