import { isClientId, isRoom, type Viewer } from './viewer.js';

/** Viewers that one node may have at the same time. */
export const MAX_VIEWERS = 100;

/** Subjects of the viewers of one node. */
export interface Interest {
  /** Id of that node. */
  readonly node: string;
  readonly overview: boolean;
  /** Ids of clients. */
  readonly clients: readonly string[];
  /** Those of the clients whose events are shown too. */
  readonly sent: readonly string[];
  readonly rooms: readonly string[];
}

/** The interest of a node's own viewers. */
export function interestOf(node: string, viewers: Iterable<Viewer>): Interest {
  const clients = new Set<string>();
  const sent = new Set<string>();
  const rooms = new Set<string>();
  let overview = false;
  for (const { subject } of viewers) {
    if (subject.kind === 'overview') overview = true;
    else if (subject.kind === 'room') rooms.add(subject.name);
    else {
      clients.add(subject.id);
      if (subject.sent) sent.add(subject.id);
    }
  }
  return { node, overview, clients: [...clients], sent: [...sent], rooms: [...rooms] };
}

/** Parses an interest, which any program with access to the broker can send. @returns `undefined` for another text */
export function parseInterest(text: string): Interest | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { node, overview, clients, sent, rooms } = value;
  const isValid =
    isClientId(node) &&
    typeof overview === 'boolean' &&
    isListOf(clients, isClientId) &&
    isListOf(sent, isClientId) &&
    isListOf(rooms, isRoom);
  return isValid ? { node, overview, clients, sent, rooms } : undefined;
}

/** Parses a JSON object. @returns `undefined` for another text */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.length <= MAX_VIEWERS && value.every(isItem);
}

/** The interests of all nodes, each until it expires. */
export class Interests {
  readonly #byNode = new Map<string, { readonly interest: Interest; readonly untilMs: number }>();

  /** @returns `true` if the node looks at something that it did not look at before */
  set(interest: Interest, untilMs: number): boolean {
    const before = this.#byNode.get(interest.node)?.interest;
    const { overview, clients, sent, rooms } = interest;
    if (overview || clients.length > 0 || rooms.length > 0)
      this.#byNode.set(interest.node, { interest, untilMs });
    else this.#byNode.delete(interest.node);
    return (
      (overview && before?.overview !== true) ||
      clients.some((id) => before?.clients.includes(id) !== true) ||
      sent.some((id) => before?.sent.includes(id) !== true) ||
      rooms.some((name) => before?.rooms.includes(name) !== true)
    );
  }

  /** Forgets what has expired. @returns `true` if something is left */
  expire(nowMs: number): boolean {
    for (const [node, { untilMs }] of this.#byNode) if (untilMs < nowMs) this.#byNode.delete(node);
    return this.#byNode.size > 0;
  }

  /** True if another node than this one looks. */
  hasOthers(node: string): boolean {
    return this.#byNode.size > (this.#byNode.has(node) ? 1 : 0);
  }

  get overview(): boolean {
    return this.#all().some(({ overview }) => overview);
  }

  get clients(): Set<string> {
    return new Set(this.#all().flatMap(({ clients }) => clients));
  }

  get sent(): Set<string> {
    return new Set(this.#all().flatMap(({ sent }) => sent));
  }

  get rooms(): Set<string> {
    return new Set(this.#all().flatMap(({ rooms }) => rooms));
  }

  #all(): Interest[] {
    return [...this.#byNode.values()].map(({ interest }) => interest);
  }
}
