import { readFileSync } from 'node:fs';

export interface DocumentedInstrument {
  name: string;
  kind: string;
  labels: string[];
  help: string;
}

/** The rows of the table in docs/17-observability.md whose first head cell is `title`. */
export function documentedInstruments(title: string): DocumentedInstrument[] {
  const lines = readFileSync('docs/17-observability.md', 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  if (start < 0) throw new Error(`no table "${title}"`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) => {
    const [name = '', kind = '', labels = '', help = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.replaceAll('`', '').trim());
    return { name, kind, labels: labels === '' ? [] : labels.split(', '), help };
  });
}
