import type { NodeEntry } from './node-entry.js';

/** Most names of nodes, and most characters of history limits, in one warning. */
const MAX_NAMES = 3;
const MAX_HISTORY = 300;

/** Other nodes that share one value of an option, different from the value of this node. */
export interface OptionDifference {
  readonly option: 'partitions' | 'history';
  /** The option and its value on the other nodes. Equal for equal differences, with whatever names. */
  readonly key: string;
  readonly nodes: readonly NodeEntry[];
  /** The warning. */
  readonly message: string;
}

/** Compares this node with the others, and groups those that differ by option and value. */
export function optionDifferences(own: NodeEntry, others: readonly NodeEntry[]): OptionDifference[] {
  const groups = new Map<string, { option: OptionDifference['option']; nodes: NodeEntry[] }>();
  for (const other of others) {
    for (const option of ['partitions', 'history'] as const) {
      if (other[option] === own[option]) continue;
      const key = `${option} ${other[option]}`;
      const group = groups.get(key) ?? { option, nodes: [] };
      group.nodes.push(other);
      groups.set(key, group);
    }
  }
  return [...groups].map(([key, { option, nodes }]) => {
    return { option, key, nodes, message: messageOf(option, own, nodes) };
  });
}

function messageOf(option: OptionDifference['option'], own: NodeEntry, nodes: readonly NodeEntry[]): string {
  const [first] = nodes as readonly [NodeEntry];
  const names = namesOf(nodes);
  if (option === 'partitions') {
    return (
      `Nodes that share Redis differ in the option "partitions" of redisBroker: ${own.partitions} on this node ` +
      `(${own.name}), ${first.partitions} on ${names}. They do not receive each other's events. Give all nodes the ` +
      'same number; docs/07-several-nodes.md has the steps to change it.'
    );
  }
  return (
    `Nodes that share Redis differ in their history options: ${shortened(own.history)} on this node (${own.name}), ` +
    `${shortened(first.history)} on ${names}. Events that the shorter history no longer has are reported as gaps. Give all ` +
    'nodes the same history options.'
  );
}

function namesOf(nodes: readonly NodeEntry[]): string {
  const names = nodes.slice(0, MAX_NAMES).map(({ name }) => name.slice(0, 100));
  const more = nodes.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function shortened(text: string): string {
  return text.length > MAX_HISTORY ? `${text.slice(0, MAX_HISTORY)}…` : text;
}
