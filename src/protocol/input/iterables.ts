export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

/** Accepts synchronous generators, but no lists, which are one value. */
export function isIterator(value: unknown): value is Iterator<unknown> {
  const { next, [Symbol.iterator]: iterate } = value as Partial<IterableIterator<unknown>>;
  return typeof next === 'function' && typeof iterate === 'function';
}
