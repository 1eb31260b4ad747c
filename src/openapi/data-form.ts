import { isObject, type JsonSchema } from './json-schema.js';

/** The form in which the data of an event is written: a string as it is, anything else as JSON. */
export type DataForm = 'text' | 'json' | 'either';

/** Deepest chain of references that is followed. */
const MAX_DEPTH = 20;

/**
 * Returns the form of the data that a schema describes.
 *
 * @param schemas the components that it refers to, by their references
 */
export function dataFormOf(
  schema: unknown,
  schemas: (reference: string) => unknown,
  depth = MAX_DEPTH,
): DataForm {
  if (!isObject(schema) || depth === 0) return 'either';
  const { $ref, type, nullable } = schema;
  if (typeof $ref === 'string') return dataFormOf(schemas($ref), schemas, depth - 1);
  if (Array.isArray(schema['enum'])) return formOfValues(schema['enum']);
  if ('const' in schema) return formOfValues([schema['const']]);
  if (type !== undefined) {
    const types = [type].flat();
    if (!types.includes('string')) return 'json';
    return types.length === 1 && nullable !== true ? 'text' : 'either';
  }
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const members = schema[keyword];
    if (!Array.isArray(members) || members.length === 0) continue;
    const forms = new Set(members.map((each) => dataFormOf(each, schemas, depth - 1)));
    return forms.size === 1 ? ([...forms][0] as DataForm) : 'either';
  }
  const parts = schema['allOf'];
  const forms = Array.isArray(parts) ? parts.map((each) => dataFormOf(each, schemas, depth - 1)) : [];
  return forms.find((form) => form !== 'either') ?? 'either';
}

function formOfValues(values: readonly unknown[]): DataForm {
  const texts = values.filter((value) => typeof value === 'string').length;
  if (texts === 0) return 'json';
  return texts === values.length ? 'text' : 'either';
}

/** Describes the field `data` of an event as a schema of its text (OpenAPI 3.2, 4.14.3: the fields of an event are strings). */
export function encodedData(form: DataForm, schema: JsonSchema): JsonSchema {
  if (form === 'text') return schema;
  const json = { contentMediaType: 'application/json', contentSchema: schema };
  if (form === 'json') return { type: 'string', ...json };
  return { type: 'string', anyOf: [schema, json] };
}
