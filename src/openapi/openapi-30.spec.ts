import { Ajv2020 } from 'ajv/dist/2020.js';
import { type } from 'arktype';
import fc from 'fast-check';
import { z } from 'zod';
import type { JsonSchema } from './json-schema.js';
import { toOpenApi30 } from './openapi-30.js';

const ajv = new Ajv2020({ strict: false, validateFormats: false, allowUnionTypes: true });

/** Reads a schema of OpenAPI 3.0 as JSON Schema: bounds that exclude are booleans there. */
function ofOpenApi30(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const { exclusiveMinimum, exclusiveMaximum, minimum, maximum, ...rest } = value as Record<
      string,
      unknown
    >;
    const [low, high] = [minimum !== undefined && { minimum }, maximum !== undefined && { maximum }];
    return {
      ...rest,
      ...(exclusiveMinimum === true ? { exclusiveMinimum: minimum } : low),
      ...(exclusiveMaximum === true ? { exclusiveMaximum: maximum } : high),
    };
  }) as JsonSchema;
}

const scalars = fc.constantFrom<unknown>('a', 'b', '', 1, 2.5, -3, 0, true, null);
const names = fc.constantFrom('a', 'b', 'x-c');
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(names, tie('any')),
  ),
})).any;

const types = fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'object', 'array');
/** Schemas of what 3.0 has other words for. */
const schemas = fc.letrec<{ schema: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    types.map((name) => ({ type: name })),
    fc.uniqueArray(types, { minLength: 2, maxLength: 3 }).map((list) => ({ type: list })),
    scalars.map((value) => ({ const: value })),
    fc.uniqueArray(scalars, { minLength: 1 }).map((list) => ({ enum: list })),
    fc.record({
      type: fc.constant('number'),
      exclusiveMinimum: fc.integer({ min: -3, max: 3 }),
      minimum: fc.constant(0),
    }),
    fc.record({ type: fc.constant('number'), exclusiveMaximum: fc.integer({ min: -3, max: 3 }) }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    tie('schema').map((schema) => ({ anyOf: [schema, { type: 'null' }] })),
    fc.record({
      type: fc.constant('array'),
      prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
      items: fc.constantFrom(true, false),
    }),
    fc.record({ type: fc.constant('array'), items: fc.oneof(tie('schema'), fc.boolean()) }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(names, fc.oneof(tie('schema'), fc.boolean())),
        patternProperties: fc.dictionary(fc.constant('^x-'), tie('schema')),
        required: fc.uniqueArray(names),
        additionalProperties: fc.oneof(tie('schema'), fc.boolean()),
      },
      { requiredKeys: ['type'] },
    ),
  ),
})).schema;

describe('the translation to OpenAPI 3.0', () => {
  it('accepts every value that the schema accepts', () => {
    fc.assert(
      fc.property(schemas, fc.array(values, { minLength: 5, maxLength: 10 }), (schema, candidates) => {
        const [accepts, translated] = [ajv.compile(schema), ajv.compile(ofOpenApi30(toOpenApi30(schema)))];
        for (const value of candidates)
          if (accepts(value)) expect([value, translated(value)]).toEqual([value, true]);
      }),
      { numRuns: 150 },
    );
  });

  it('is the same when it is done twice', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const once = toOpenApi30(schema);
        expect(toOpenApi30(once)).toEqual(once);
      }),
      { numRuns: 150 },
    );
  });

  it.each<[string, JsonSchema, JsonSchema]>([
    [
      'a type or null',
      { type: ['string', 'null'], maxLength: 3 },
      { type: 'string', nullable: true, maxLength: 3 },
    ],
    [
      'a schema or null',
      { anyOf: [{ type: 'number' }, { type: 'null' }] },
      { type: 'number', nullable: true },
    ],
    ['a constant', { const: 'a' }, { enum: ['a'] }],
    ['a bound that excludes', { exclusiveMinimum: 0 }, { minimum: 0, exclusiveMinimum: true }],
    ['a bound within another', { exclusiveMinimum: 0, minimum: 3 }, { minimum: 3 }],
    ['examples', { type: 'string', examples: ['a', 'b'] }, { type: 'string', example: 'a' }],
    [
      'a closed tuple',
      { prefixItems: [{ type: 'string' }], items: false },
      { maxItems: 1, items: { type: 'string' } },
    ],
    ['a list of anything', { type: 'array' }, { type: 'array', items: {} }],
    [
      'a property of anything',
      { properties: { a: true, b: false } },
      { properties: { a: {}, b: { not: {} } } },
    ],
    [
      'what 3.0 has no word for',
      { $comment: 'x', if: {}, contentMediaType: 'text/plain', title: 'A' },
      { title: 'A' },
    ],
    [
      'a property with the name of a keyword',
      { properties: { const: { type: 'string' }, $ref: { const: 1 } } },
      { properties: { const: { type: 'string' }, $ref: { enum: [1] } } },
    ],
    [
      'values that look like schemas',
      { enum: [{ const: 1 }], default: { const: 1 } },
      { enum: [{ const: 1 }], default: { const: 1 } },
    ],
  ])('translates %s', (_name, schema, translated) => {
    expect(toOpenApi30(schema)).toEqual(translated);
  });

  it('refuses what a schema of a library refuses, in the words that 3.0 has', () => {
    const draft = { target: 'draft-2020-12' } as const;
    const order = type({ boxes: 'number.integer > 0', by: 'string | null' });
    const item = z.object({ kind: z.literal('gift'), n: z.number().lt(5).nullable() });
    const [isOrder, isItem] = [order, item].map((schema) =>
      ajv.compile(ofOpenApi30(toOpenApi30(schema['~standard'].jsonSchema.input(draft)))),
    );
    expect(
      [{ boxes: 1, by: null }, { boxes: 0, by: 'a' }, { boxes: 1, by: 2 }, { boxes: 1 }].map((each) =>
        isOrder?.(each),
      ),
    ).toEqual([true, false, false, false]);
    expect(
      [
        { kind: 'gift', n: null },
        { kind: 'gift', n: 5 },
        { kind: 'x', n: 1 },
      ].map((each) => isItem?.(each)),
    ).toEqual([true, false, false]);
  });
});
