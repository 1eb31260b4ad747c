/** A JSON Schema that is an object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords whose value is a map of schemas, under names of the application. */
const MAPS = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
/** Keywords whose value is a schema or a list of schemas. */
const SCHEMAS = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'contentSchema',
]);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns a copy of a schema to whose parts, the inner ones first, `change` is applied. Values, such as those of `enum`, are no
 * parts; boolean schemas stay.
 */
export function mapSchemas(schema: JsonSchema, change: (part: JsonSchema) => JsonSchema): JsonSchema {
  const inner = (part: unknown): unknown => (isObject(part) ? mapSchemas(part, change) : part);
  const entries = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    if (MAPS.has(keyword) && isObject(value)) return [keyword, mapValues(value, inner)];
    if (!SCHEMAS.has(keyword)) return [keyword, value];
    return [keyword, Array.isArray(value) ? value.map(inner) : inner(value)];
  });
  return change(Object.fromEntries(entries));
}

export function mapValues(
  map: Readonly<Record<string, unknown>>,
  change: (value: unknown) => unknown,
): JsonSchema {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}
