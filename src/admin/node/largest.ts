/**
 * Returns the `count` items with the greatest values, the greatest first, in one pass and without a sorted copy of all.
 * Items with the value 0 are left out.
 */
export function largest<T>(items: Iterable<T>, count: number, valueOf: (item: T) => number): T[] {
  const top: { item: T; value: number }[] = [];
  for (const item of items) {
    const value = valueOf(item);
    if (value <= 0 || (top.length === count && value <= (top.at(-1)?.value ?? 0))) continue;
    if (top.length === count) top.pop();
    let index = top.length;
    while (index > 0 && (top[index - 1]?.value ?? 0) < value) index--;
    top.splice(index, 0, { item, value });
  }
  return top.map(({ item }) => item);
}
