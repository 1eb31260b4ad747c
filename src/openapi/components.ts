import { isObject, mapSchemas, type JsonSchema } from './json-schema.js';

/** The place of schemas in documents of OpenAPI and AsyncAPI. */
const SCHEMAS = '#/components/schemas/';

/** Components of a document: schemas with names, and references to them. */
export class Components {
  readonly added: Record<string, JsonSchema> = {};
  readonly #taken: Set<string>;

  /** @param taken names that the document has already */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /**
   * Adds a schema. Its definitions become components too, as a reference into a schema of a document begins at the root of the
   * document.
   *
   * @param name wanted; a number is added where it is taken
   */
  add(name: string, schema: JsonSchema): JsonSchema {
    const free = freeName(name, this.#taken);
    const { $schema: _dialect, $id: _id, $defs, definitions, ...root } = schema;
    const inner = new Map(
      Object.entries({ ...asMap($defs), ...asMap(definitions) }).map(([key, part]) => [
        key,
        { name: freeName(`${free}.${partOfName(key)}`, this.#taken), schema: part },
      ]),
    );
    const moved = (part: JsonSchema): JsonSchema => {
      const { $ref, ...rest } = part;
      return typeof $ref === 'string' ? { ...rest, $ref: movedReference($ref, free, inner) } : part;
    };
    this.added[free] = mapSchemas(root, moved);
    for (const part of inner.values()) {
      this.added[part.name] = isObject(part.schema) ? mapSchemas(part.schema, moved) : {};
    }
    return { $ref: `${SCHEMAS}${free}` };
  }

  /** Returns the schema of a reference; `undefined` for one into the middle of a schema. */
  readonly find = (reference: string): JsonSchema | undefined =>
    reference.startsWith(SCHEMAS) ? this.added[reference.slice(SCHEMAS.length)] : undefined;
}

/** Takes a name; one that is taken already gets a number. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}${n}`;
  taken.add(free);
  return free;
}

/** Returns a name of words in the form that OpenAPI and AsyncAPI allow: `orders/:id`, `paid` are `OrdersIdPaid`. */
export function componentName(...words: readonly string[]): string {
  return words
    .map((word) => (word === '*' ? 'all' : word))
    .flatMap((word) => word.split(/[^\p{L}\p{N}_]+/u))
    .filter((part) => part !== '')
    .map((part) => partOfName(`${part.charAt(0).toUpperCase()}${part.slice(1)}`))
    .join('');
}

function partOfName(text: string): string {
  return text.replace(/[^\w.-]/gu, (character) => `u${character.codePointAt(0)?.toString(16)}`);
}

function asMap(value: unknown): JsonSchema {
  return isObject(value) ? value : {};
}

function movedReference(
  reference: string,
  root: string,
  inner: ReadonlyMap<string, { readonly name: string }>,
): string {
  if (!reference.startsWith('#') || reference.startsWith(SCHEMAS)) return reference;
  const [, keyword, key, ...rest] = reference.split('/');
  const part = keyword === '$defs' || keyword === 'definitions' ? inner.get(unescaped(key ?? '')) : undefined;
  const tail = part === undefined ? reference.slice(1) : rest.map((step) => `/${step}`).join('');
  return `${SCHEMAS}${part?.name ?? root}${tail}`;
}

/** Undoes the escapes of a JSON Pointer in a URL (RFC 6901, 6). */
function unescaped(step: string): string {
  return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
}
