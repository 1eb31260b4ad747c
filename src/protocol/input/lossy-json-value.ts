/** A value inside event data that `JSON.stringify` writes without its content. */
export interface LossyJsonValue {
  /** The type's name, such as `Map`. */
  readonly type: string;
  /** The value's place in the data, such as `.items[2]`; `''` for the data itself. */
  readonly path: string;
  /** The replacement that keeps the content. */
  readonly cure: string;
}

/** JSON texts of lossy values: `{}` for Map, Set, Promise, Error and the like, `{"0":…}` for typed arrays, Node's form for Buffers. */
const LOSSY_TEXT = /\{\}|\{"0":|"type":"Buffer"/;

/** Types whose values JSON writes whole, also without properties of their own. */
const PLAIN_TYPES = new Set(['Object', 'Array', 'Arguments', 'Number', 'String', 'Boolean']);

/**
 * Finds the first `Map`, `Set`, `Promise`, `Error` or binary value, or another one of a built-in type, in data that `JSON.stringify` has written as `text`.
 *
 * Texts without a sign of a lossy value are not searched, so ordinary data costs one regular expression.
 *
 * @param text the result of `JSON.stringify(data)`: its success proves that the data has no circular reference
 */
export function findLossyJsonValue(data: unknown, text: string): LossyJsonValue | undefined {
  return LOSSY_TEXT.test(text) ? search(data, '') : undefined;
}

function search(value: unknown, path: string): LossyJsonValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const lossy = classify(value);
  if (lossy !== undefined) return { ...lossy, path };
  // JSON.stringify reads the result of `toJSON` instead of the object.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  for (const [key, member] of Object.entries(value)) {
    const found = search(member, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasMethods(value: object, ...names: readonly string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function classify(value: object): Omit<LossyJsonValue, 'path'> | undefined {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function' && !Buffer.isBuffer(value))
    return undefined;
  if (value instanceof Map) return { type: 'Map', cure: 'Object.fromEntries(map)' };
  if (value instanceof Set) return { type: 'Set', cure: '[...set]' };
  if (value instanceof Promise) return { type: 'Promise', cure: 'await promise' };
  if (Buffer.isBuffer(value)) return { type: 'Buffer', cure: "buffer.toString('base64')" };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return { type: value.constructor.name, cure: 'an array or a base64 string' };
  }
  if (hasMethods(value, 'subscribe', 'pipe'))
    return { type: 'Observable', cure: 'its values, as publishFrom does' };
  // An Error with properties of its own, such as an HttpException, is written with those.
  if (Object.keys(value).length > 0) return undefined;
  if (value instanceof Error) return { type: 'Error', cure: '{ message: error.message }' };
  // Iterators, RegExp, URLSearchParams, WeakMap and the like.
  const type = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return PLAIN_TYPES.has(type) ? undefined : { type, cure: 'its content as plain data' };
}
