import { readFileSync } from 'node:fs';

export interface Page {
  readonly text: string;
  readonly link: string;
}

/** Parts of the sidebar, each with the numbers of its pages. */
const PARTS: readonly { readonly text: string; readonly pages: readonly number[] }[] = [
  { text: 'Guide', pages: [1, 2, 22, 20, 5, 6, 21, 15, 9] },
  { text: 'Running it', pages: [25, 7, 8, 16, 17, 19, 18, 26, 14] },
  { text: 'Reference', pages: [3, 4, 10, 11, 13, 12] },
];

/**
 * Reads the pages from the table of `docs/README.md`, so that the site and the contents in the repository cannot differ. A page
 * that is in no part stands at the end of the guide.
 *
 * @throws Error for a page of a part that is not in the table
 */
export function contents(): { text: string; items: Page[] }[] {
  const table = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const pages = new Map<number, Page>();
  for (const [, number, text = '', file = ''] of table.matchAll(/^\| \[(\d+)\. ([^\]]+)\]\(([^)]+)\.md\)/gm))
    pages.set(Number(number), { text, link: `/docs/${file}` });
  const parts = PARTS.map((part) => ({
    text: part.text,
    items: part.pages.map((number) => take(pages, number)),
  }));
  parts[0]?.items.push(...pages.values());
  return parts;
}

function take(pages: Map<number, Page>, number: number): Page {
  const page = pages.get(number);
  if (page === undefined) throw new Error(`docs/README.md has no page ${number}`);
  pages.delete(number);
  return page;
}
