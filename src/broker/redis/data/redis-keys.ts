/** The part of a name that decides on the slot, and what stands before it. */
export interface Partition {
  /** What the names of all partitions begin with. */
  readonly prefix: string;
  readonly tag: string;
}

/**
 * The names of everything of one partition in Redis. Its tag, `{0}` where there is one partition only, makes them share
 * one slot of a Redis Cluster; it comes before any room's name, so that braces in a name do not matter.
 *
 * - `sse:{0}:m` hash: `e` the epoch, `g` the last position, `r` the server's run id. Never expires.
 * - `sse:{0}:s:<room>` stream of the room's events, at ids `<position>-0`: `p` the position before in this room, `d` the event,
 *   `r` all of its rooms where there are several, but not very many.
 * - `sse:{0}:l:<room>` string: the room's last position. Outlives the stream.
 * - `sse:{0}:d:<key>` string: the receipt of an idempotency key.
 * - who is present: `sse:{0}:pl` sorted set of the nodes' leases by the millisecond in which they run out; `sse:{0}:pc` the same of who
 *   clears up after whom; `sse:{0}:pn:<node>` hash: what the node has, a field `<room>\n<user>` each, and the number of its last
 *   write under the empty name; `sse:{0}:pm:<room>` hash: `<node> <user>` to `<connections> <milliseconds> <info>`;
 *   `sse:{0}:pu:<room>` hash: users to how many nodes have them, and all connections under the empty name.
 * - channels `sse:{0}:c:<room>`; `sse:{0}:c` for events of several rooms; `sse:{0}:n:<node>` for a node's own marks;
 *   `sse:{0}:k` for what is told to every node.
 */
export class RedisKeys {
  readonly memory: string;
  /** Events of several rooms: one copy, heard by every node. */
  readonly sharedChannel: string;
  /** What this node says to itself. */
  readonly ownChannel: string;
  /** What is told to every node: `t` and an application's words, or `p` where a node with members leaves. */
  readonly controlChannel: string;
  readonly presenceLeases: string;
  readonly presenceClaims: string;
  readonly #keys: string;
  readonly #roomChannels: string;

  /** @param database keys are apart in each database, channels are not: they need the number in their names */
  constructor({ prefix, tag }: Partition, database: number, node: string) {
    this.#keys = `${prefix}:{${tag}}`;
    this.memory = `${this.#keys}:m`;
    this.sharedChannel = `${this.#keys}${database === 0 ? '' : `@${database}`}:c`;
    this.#roomChannels = `${this.sharedChannel}:`;
    this.ownChannel = `${this.#keys}${database === 0 ? '' : `@${database}`}:n:${node}`;
    this.controlChannel = `${this.#keys}${database === 0 ? '' : `@${database}`}:k`;
    this.presenceLeases = `${this.#keys}:pl`;
    this.presenceClaims = `${this.#keys}:pc`;
  }

  stream(room: string): string {
    return `${this.#keys}:s:${room}`;
  }

  last(room: string): string {
    return `${this.#keys}:l:${room}`;
  }

  receipt(idempotencyKey: string): string {
    return `${this.#keys}:d:${idempotencyKey}`;
  }

  presenceNode(node: string): string {
    return `${this.#keys}:pn:${node}`;
  }

  presenceMembers(room: string): string {
    return `${this.#keys}:pm:${room}`;
  }

  presenceUsers(room: string): string {
    return `${this.#keys}:pu:${room}`;
  }

  channel(room: string): string {
    return this.#roomChannels + room;
  }

  /** The room of a channel, or `undefined` for the shared one. */
  roomOf(channel: string): string | undefined {
    return channel.length > this.#roomChannels.length ? channel.slice(this.#roomChannels.length) : undefined;
  }
}
