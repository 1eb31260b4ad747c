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
 * - channels `sse:{0}:c:<room>`; `sse:{0}:c` for events of several rooms; `sse:{0}:n:<node>` for a node's own marks.
 */
export class RedisNames {
  readonly memory: string;
  /** Events of several rooms: one copy, heard by every node. */
  readonly sharedChannel: string;
  /** What this node says to itself. */
  readonly ownChannel: string;
  readonly #keys: string;
  readonly #roomChannels: string;

  /** @param database keys are apart in each database, channels are not: they need the number in their names */
  constructor({ prefix, tag }: Partition, database: number, node: string) {
    this.#keys = `${prefix}:{${tag}}`;
    this.memory = `${this.#keys}:m`;
    this.sharedChannel = `${this.#keys}${database === 0 ? '' : `@${database}`}:c`;
    this.#roomChannels = `${this.sharedChannel}:`;
    this.ownChannel = `${this.#keys}${database === 0 ? '' : `@${database}`}:n:${node}`;
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

  channel(room: string): string {
    return this.#roomChannels + room;
  }

  /** The room of a channel, or `undefined` for the shared one. */
  roomOf(channel: string): string | undefined {
    return channel.length > this.#roomChannels.length ? channel.slice(this.#roomChannels.length) : undefined;
  }
}
