/** The few numbers a table needs. */

/** @param {number[]} values */
export function median(values) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} values */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * @param {Float64Array | number[]} sorted ascending
 * @param {number} fraction 0..1
 */
export function percentile(sorted, fraction) {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)];
}

/**
 * The median of every numeric field over the rounds; other fields are taken from the last round.
 * @param {Record<string, unknown>[]} rounds
 */
export function medianOfFields(rounds) {
  const merged = {};
  for (const field of new Set(rounds.flatMap(Object.keys))) {
    const values = rounds.map((round) => round[field]).filter((value) => value !== undefined);
    const numeric = values.every((value) => typeof value === 'number');
    merged[field] = numeric ? median(values) : values.at(-1);
  }
  return merged;
}
