/** Returns ` Did you mean "x"?` for the known name nearest to `name`; a list of the known names, if any, if none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return ' It takes none.';
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(MAX_TYPOS, candidate.length / 3))
    .filter(({ candidate, edits }) => 2 * edits <= candidate.length)
    .toSorted((a, b) => a.edits - b.edits);
  return nearest === undefined ? ` Known are: ${known.join(', ')}.` : ` Did you mean "${nearest.candidate}"?`;
}

/** Edits that count as typing errors in a name of any length; a long name may have up to a third of its length. */
const MAX_TYPOS = 2;

/** Number of characters to insert, remove or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
