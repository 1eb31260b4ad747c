import type { ServerResponse } from 'node:http';

/** Headers of a response as Node stores them once one was set by `setHeader`: by lower-case name, `[name, value]`. */
type HeaderTable = Record<string, readonly [name: string, value: unknown] | undefined>;

/** Node's property for the table; `null` where this version of Node has none. Found at the first response. */
let tableProperty: symbol | null | undefined;
/** The table of the latest stream whose headers differed from those of the one before. */
let latest: HeaderTable = {};

/**
 * Shares the table of the headers of a response that are sent with another response of the same headers, which saves
 * 500 bytes and 64 more for each header of a middleware such as helmet. Headers that differ stay with their response.
 *
 * Node refuses to change a header that was sent, so no response changes that of another one.
 */
export function shareHeaderTable(response: ServerResponse): void {
  tableProperty ??=
    Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kOutHeaders') ?? null;
  if (tableProperty === null) return;
  const tables = response as unknown as Record<symbol, HeaderTable | null | undefined>;
  const table = tables[tableProperty];
  if (!isTable(table)) return;
  let shared = 0;
  const names = Object.keys(table);
  for (const name of names) {
    const known = latest[name];
    if (known === undefined || !isEqual(known, table[name])) continue;
    table[name] = known;
    shared++;
  }
  if (shared === names.length && shared === Object.keys(latest).length) tables[tableProperty] = latest;
  else latest = table;
}

function isTable(table: HeaderTable | null | undefined): table is HeaderTable {
  return typeof table === 'object' && table !== null && Object.getPrototypeOf(table) === null;
}

/** Returns `false` for a list of values, which the application may change. */
function isEqual(known: readonly unknown[], entry: readonly unknown[] | undefined): boolean {
  const [name, value] = entry ?? [];
  return known[0] === name && known[1] === value && typeof value !== 'object';
}
