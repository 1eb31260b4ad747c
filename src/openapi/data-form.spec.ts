import { dataFormOf, encodedData } from './data-form.js';
import type { JsonSchema } from './json-schema.js';

const components: Readonly<Record<string, JsonSchema>> = {
  '#/text': { type: 'string' },
  '#/again': { $ref: '#/again' },
};
const formOf = (schema: unknown): string => dataFormOf(schema, (reference) => components[reference]);

describe('the form of data', () => {
  it.each<[string, unknown]>([
    ['text', { type: 'string', maxLength: 3 }],
    ['text', { enum: ['a', 'b'] }],
    ['text', { const: 'a' }],
    ['text', { $ref: '#/text' }],
    ['text', { anyOf: [{ type: 'string' }, { enum: ['a'] }] }],
    ['text', { allOf: [{ title: 'A' }, { type: 'string' }] }],
    ['json', { type: 'object' }],
    ['json', { type: ['number', 'null'] }],
    ['json', { enum: [1, null] }],
    ['json', { oneOf: [{ type: 'array' }, { type: 'null' }] }],
    ['either', { type: ['string', 'null'] }],
    ['either', { type: 'string', nullable: true }],
    ['either', { enum: ['a', 1] }],
    ['either', { anyOf: [{ type: 'string' }, { type: 'number' }] }],
    ['either', { $ref: '#/again' }],
    ['either', { $ref: '#/none' }],
    ['either', {}],
    ['either', true],
  ])('is %s for %j', (form, schema) => {
    expect(formOf(schema)).toBe(form);
  });

  it('decides how the field of an event is described', () => {
    const schema = { $ref: '#/data' };
    const json = { contentMediaType: 'application/json', contentSchema: schema };
    expect(encodedData('text', schema)).toBe(schema);
    expect(encodedData('json', schema)).toEqual({ type: 'string', ...json });
    expect(encodedData('either', schema)).toEqual({ type: 'string', anyOf: [schema, json] });
  });
});
