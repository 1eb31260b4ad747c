import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { groupByOwner } from './heap-owners.mjs';

/**
 * Counts the objects of the heap by constructor, from a heap snapshot (which collects garbage first). Divided by
 * the number of connections it shows the objects that one connection retains.
 * @returns {Record<string, { count: number, bytes: number }>} values that are no objects are listed by their type: `(closure)`
 */
export function heapByConstructor() {
  return readSnapshot(group);
}

/** Groups the objects of the heap by what holds them, as in `groupByOwner`. */
export function heapByOwner() {
  return readSnapshot(groupByOwner);
}

function readSnapshot(groupBy) {
  const file = join(tmpdir(), `sse-bench-${process.pid}.heapsnapshot`);
  writeHeapSnapshot(file);
  try {
    return groupBy(JSON.parse(readFileSync(file, 'utf8')));
  } finally {
    rmSync(file, { force: true });
  }
}

/** A snapshot's nodes lie in one flat array of numbers; the layout is described in its own `meta`. */
function group({ snapshot, nodes, strings }) {
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const typeAt = fields.indexOf('type');
  const nameAt = fields.indexOf('name');
  const sizeAt = fields.indexOf('self_size');
  const groups = {};
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = types[typeAt][nodes[at + typeAt]];
    const name = type === 'object' ? strings[nodes[at + nameAt]] : `(${type})`;
    const entry = Object.hasOwn(groups, name) ? groups[name] : (groups[name] = { count: 0, bytes: 0 });
    entry.count++;
    entry.bytes += nodes[at + sizeAt];
  }
  return groups;
}
