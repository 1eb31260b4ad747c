/** The named classes of a snapshot; everything else is attributed to the one that holds it. */
const UNNAMED = new Set(['Object', 'Array', 'Map', 'Set', 'NullObject', '']);

/**
 * Groups the nodes of a heap snapshot by the shortest path from an object with a name of its own: `Socket._events` holds an
 * object and its table. Objects with a name of their own begin a group themselves.
 *
 * @returns {Record<string, { count: number, bytes: number }>}
 */
export function groupByOwner({ snapshot, nodes, edges, strings }) {
  const {
    node_fields: nodeFields,
    node_types: nodeTypes,
    edge_fields: edgeFields,
    edge_types: edgeTypes,
  } = snapshot.meta;
  const [width, edgeWidth] = [nodeFields.length, edgeFields.length];
  const [typeAt, nameAt, sizeAt, countAt] = ['type', 'name', 'self_size', 'edge_count'].map((field) =>
    nodeFields.indexOf(field),
  );
  const [edgeTypeAt, edgeNameAt, toAt] = ['type', 'name_or_index', 'to_node'].map((field) =>
    edgeFields.indexOf(field),
  );
  const total = nodes.length / width;
  const firstEdge = new Uint32Array(total + 1);
  for (let node = 0; node < total; node++)
    firstEdge[node + 1] = firstEdge[node] + nodes[node * width + countAt];
  const isNamed = (node) => {
    const type = nodeTypes[typeAt][nodes[node * width + typeAt]];
    return type === 'object' && !UNNAMED.has(strings[nodes[node * width + nameAt]]);
  };
  const paths = Array.from({ length: total });
  paths[0] = '';
  const queue = [0];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at];
    for (let edge = firstEdge[node]; edge < firstEdge[node + 1]; edge++) {
      const start = edge * edgeWidth;
      const type = edgeTypes[edgeTypeAt][edges[start + edgeTypeAt]];
      const to = edges[start + toAt] / width;
      if (type === 'weak' || paths[to] !== undefined) continue;
      const isNumbered = type === 'element' || type === 'hidden';
      const step = isNumbered ? '[]' : `.${strings[edges[start + edgeNameAt]]}`;
      paths[to] = isNamed(to) ? strings[nodes[to * width + nameAt]] : pathOf(paths[node], step);
      queue.push(to);
    }
  }
  const groups = {};
  for (let node = 0; node < total; node++) {
    const path = paths[node] ?? '(unreachable)';
    const entry = Object.hasOwn(groups, path) ? groups[path] : (groups[path] = { count: 0, bytes: 0 });
    entry.count++;
    entry.bytes += nodes[node * width + sizeAt];
  }
  return groups;
}

const MOST_STEPS = 4;

/** Numbered steps repeat: a list of lists has one path. */
function pathOf(path, step) {
  const next = path.endsWith('[]') && step === '[]' ? path : path + step;
  return next.split('.').length > MOST_STEPS ? path : next;
}
