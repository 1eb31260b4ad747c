import type { ToJsonSchema } from './data-schema.js';

/** Options of `describeStreams` and `createAsyncApi`. */
export interface DescribeOptions {
  /**
   * Returns the JSON Schema of the data of an event, for schemas that do not follow the Standard JSON Schema specification. It is
   * called for each event of the contract, and its result goes first. Default: none; zod 4.2 and arktype 2.1.28 or later need none.
   *
   * ```ts
   * import { toJsonSchema } from '@valibot/to-json-schema';
   *
   * describeStreams(app, create, {
   *   toJsonSchema: (schema, { target }) =>
   *     schema['~standard'].vendor === 'valibot' ? toJsonSchema(schema as never, { target }) : undefined,
   * });
   * ```
   */
  readonly toJsonSchema?: ToJsonSchema;
}

/** Describes the allowed values of the option `toJsonSchema`; `undefined` for a function. */
export function checkToJsonSchema(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'a function that returns the JSON Schema of a schema';
}
