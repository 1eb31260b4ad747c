import type { Labels } from './instruments.js';

/** The values of labels as one text. Labels of one instrument are always in the same sequence. */
export function labelKey(labels: Labels): string {
  let key = '';
  // Called for each event: `Object.values` and `join` would cost twice as much.
  for (const name in labels) key += `${labels[name as keyof Labels]}\n`;
  return key;
}
