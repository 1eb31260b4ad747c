import { isObject, mapSchemas, mapValues, type JsonSchema } from './json-schema.js';

/** Keywords of the Schema Object of OpenAPI 3.0, those that begin with `x-` aside. */
const KEYWORDS = new Set(
  [
    '$ref title description default example format deprecated readOnly writeOnly externalDocs xml',
    'type nullable enum allOf anyOf oneOf not discriminator',
    'multipleOf minimum exclusiveMinimum maximum exclusiveMaximum',
    'minLength maxLength pattern items minItems maxItems uniqueItems',
    'properties required additionalProperties minProperties maxProperties',
    // Not of 3.0: `Components` moves them out of the schema.
    '$defs definitions',
  ].flatMap((line) => line.split(' ')),
);

/** `nullable` has an effect only beside a `type` (OpenAPI 3.0.3, 4.7.24). */
const NULL: JsonSchema = { type: 'string', nullable: true, enum: [null] };

/**
 * Translates JSON Schema 2020-12 or draft-07 to the Schema Object of OpenAPI 3.0. What 3.0 has no word for is left out, so that
 * the result accepts every value that the schema accepts.
 */
export function toOpenApi30(schema: JsonSchema): JsonSchema {
  return mapSchemas(schema, (part) =>
    known(withTypes(withoutNull(withValues(withBounds(withProperties(withItems(part))))))),
  );
}

function known(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema)
    .filter(([keyword]) => KEYWORDS.has(keyword) || keyword.startsWith('x-'))
    .filter(([keyword, value]) => keyword !== 'required' || (value as unknown[]).length > 0)
    .map(([keyword, value]): [string, unknown] => {
      if (keyword === 'properties') return [keyword, mapValues(value as JsonSchema, asObject)];
      if (keyword === 'additionalProperties') return [keyword, value];
      if (['allOf', 'anyOf', 'oneOf'].includes(keyword)) return [keyword, (value as unknown[]).map(asObject)];
      return [keyword, typeof value === 'boolean' && keyword === 'not' ? asObject(value) : value];
    });
  return Object.fromEntries(entries);
}

/** OpenAPI 3.0 has no boolean schemas. */
function asObject(schema: unknown): unknown {
  if (typeof schema !== 'boolean') return schema;
  return schema ? {} : { not: {} };
}

/** A tuple becomes a list of any of its items. */
function withItems(schema: JsonSchema): JsonSchema {
  const { prefixItems, additionalItems, items, ...rest } = schema;
  const tuple = (Array.isArray(items) ? items : prefixItems) as readonly unknown[] | undefined;
  if (tuple === undefined) {
    const isList = [rest['type']].flat().includes('array');
    return { ...rest, ...((items !== undefined || isList) && { items: asObject(items ?? true) }) };
  }
  const others = Array.isArray(items) ? additionalItems : items;
  if (others === false) return { maxItems: tuple.length, ...rest, items: anyOf(tuple) };
  return { ...rest, items: others === undefined || others === true ? {} : anyOf([...tuple, others]) };
}

/** Properties by a pattern of their names are additional ones. */
function withProperties(schema: JsonSchema): JsonSchema {
  const { patternProperties = {}, ...rest } = schema;
  const patterns = Object.values(patternProperties as JsonSchema);
  if (patterns.length === 0 || !('additionalProperties' in rest)) return rest;
  const { additionalProperties: others } = rest;
  return { ...rest, additionalProperties: others === false ? anyOf(patterns) : true };
}

function anyOf(schemas: readonly unknown[]): unknown {
  return schemas.length === 1 ? asObject(schemas[0]) : { anyOf: schemas };
}

/** In 3.0 `exclusiveMinimum` is a boolean beside `minimum`. */
function withBounds(schema: JsonSchema): JsonSchema {
  const { exclusiveMinimum: above, exclusiveMaximum: below, ...rest } = schema;
  const { minimum = -Infinity, maximum = Infinity } = rest as { minimum?: number; maximum?: number };
  return {
    ...rest,
    ...(typeof above === 'number' && above >= minimum && { minimum: above, exclusiveMinimum: true }),
    ...(typeof below === 'number' && below <= maximum && { maximum: below, exclusiveMaximum: true }),
    ...(typeof above === 'boolean' && { exclusiveMinimum: above }),
    ...(typeof below === 'boolean' && { exclusiveMaximum: below }),
  };
}

function withValues(schema: JsonSchema): JsonSchema {
  const { const: value, examples, ...rest } = schema;
  return {
    ...rest,
    ...('const' in schema && { enum: [value] }),
    ...(Array.isArray(examples) &&
      examples.length > 0 &&
      !('example' in rest) && { example: examples[0] as unknown }),
  };
}

/** `X | null` is `nullable` where `X` has a type and no list of values. */
function withoutNull(schema: JsonSchema): JsonSchema {
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const { [keyword]: members, ...rest } = schema;
    if (!Array.isArray(members) || members.length !== 2 || !members.some(isNull)) continue;
    const other: unknown = members.find((member) => !isNull(member));
    if (!isObject(other) || typeof other['type'] !== 'string' || 'enum' in other) continue;
    if (Object.keys(rest).some((key) => key in other)) continue;
    return { ...rest, ...other, nullable: true };
  }
  return schema;
}

function isNull(schema: unknown): boolean {
  return isObject(schema) && JSON.stringify(schema) === JSON.stringify(NULL);
}

/** In 3.0 `type` is one name, and `null` is none. */
function withTypes(schema: JsonSchema): JsonSchema {
  const { type, ...rest } = schema;
  const types = [(type ?? []) as string | string[]].flat();
  const others = types.filter((each) => each !== 'null');
  const isNullable = others.length < types.length;
  if (others.length === 0) return isNullable ? { ...rest, ...NULL } : rest;
  // Enumerated values decide already.
  if (isNullable && 'enum' in rest) return rest;
  if (others.length === 1) return { ...rest, type: others[0], ...(isNullable && { nullable: true }) };
  const alternatives = others.map((each) => ({ type: each, ...(each === 'array' && { items: {} }) }));
  const union = { anyOf: isNullable ? [...alternatives, NULL] : alternatives };
  return 'anyOf' in rest
    ? { ...rest, allOf: [...((rest['allOf'] as unknown[]) ?? []), union] }
    : { ...rest, ...union };
}
