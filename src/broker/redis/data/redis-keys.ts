/** The parts of all key and channel names of a partition. */
export interface Partition {
  /** Prefix shared by all partitions. */
  readonly prefix: string;
  /** Hash tag, which determines the cluster slot. */
  readonly tag: string;
}

/**
 * Builds the names of all keys and channels of one partition. The hash tag, `{0}` for a single partition, places them
 * in one slot of a Redis Cluster. It precedes the room's name, so braces in a room's name have no effect.
 *
 * History:
 * - `sse:{0}:m` hash, never expires: `e` epoch, `b` time at which it began in microseconds, `g` greatest assigned position, `r` run id of the server, `t` time for
 *   which last positions are kept in milliseconds, `k` position since which they are kept so long, `v` microseconds of
 *   the last check of the eviction policy and `1` if Redis evicts keys, `w` greatest position of an event that was
 *   stored again, and the number of such events.
 * - `sse:{0}:s:<room>` stream of the room's events with ids `<position>-0`: `p` position of the previous event in
 *   this room, `d` event, `r` all rooms of an event for several rooms, unless the list is long.
 * - `sse:{0}:l:<room>` string: the room's last position. Outlives the stream.
 * - `sse:{0}:i:<room>` string: position of the room's last event that a node has published without history.
 * - `sse:{0}:d:<key>` string: receipt of an idempotency key.
 *
 * Tickets:
 * - `sse:{0}:t:<id>` string: the encrypted text of a ticket, or of the cookie of a used one, under the hash of its secret.
 *
 * Nodes:
 * - `sse:{0}:o` hash: `<node>` to `<expiry in milliseconds> <options as JSON>`. The same key with any number of
 *   partitions, so that nodes with different numbers find each other.
 *
 * Checks:
 * - `sse:{0}:x` key for the check of rights on a new connection, removed at once.
 *
 * Presence:
 * - `sse:{0}:pl` sorted set: lease of each node, by its expiry in milliseconds.
 * - `sse:{0}:pc` sorted set: nodes whose leftovers are being removed, by the time until which one node has claimed
 *   this.
 * - `sse:{0}:pn:<node>` hash: entries of the node, one field `<room>\n<user>` each; the empty field holds the number
 *   of the last write.
 * - `sse:{0}:pm:<room>` hash: `<node> <user>` to `<connections> <milliseconds> <info>`.
 * - `sse:{0}:pu:<room>` hash: user to number of nodes; the empty field holds the number of connections in the room.
 *
 * Sessions:
 * - `sse:{0}:h:<key>` hash: the sessions with this key, see `CHANGE_SESSIONS_SCRIPT`.
 * - `sse:{0}:hu:<user>` sorted set: the keys of the user's sessions, by their expiry in milliseconds.
 *
 * Streams of users:
 * - `sse:{0}:ul` sorted set: lease of each node with such streams, by its expiry in milliseconds.
 * - `sse:{0}:us:<user>` sorted set: `<lease> <client>` by the start of the stream in microseconds.
 *
 * Runs:
 * - `sse:{0}:r:<run>` hash: state of the run, see `OPEN_RUN`.
 * - `sse:{0}:re:<run>` stream of its entries.
 *
 * Channels:
 * - `sse:{0}:c:<room>` events of one room.
 * - `sse:{0}:c` events of several rooms.
 * - `sse:{0}:n:<node>` sync markers of one node, and `t` followed by a control message for this node alone.
 * - `sse:{0}:k` control messages to every node.
 * - `sse:{0}:r:<run>` changes of one run.
 * - `sse:{0}:x` has no subscriber: for the check of the right to publish.
 * - `sse:{0}:y` has no publisher: for the check of the rights to subscribe and to unsubscribe.
 */
export class RedisKeys {
  /** Hash with the epoch, the greatest position and the server's run id. */
  readonly brokerState: string;
  /** Channel of events for several rooms: published once, received by every node. */
  readonly multiRoomChannel: string;
  /** Channel of this node's sync markers. */
  readonly markerChannel: string;
  /**
   * Channel to every node: `t` followed by a control message, `p` when a node with presence shuts down, or `o` and
   * the entry of a new node with other options.
   */
  readonly controlChannel: string;
  readonly checkKey: string;
  readonly checkChannel: string;
  readonly subscribedCheckChannel: string;
  readonly presenceLeases: string;
  readonly presenceClaims: string;
  readonly userStreamLeases: string;
  readonly #keyPrefix: string;
  readonly #roomChannelPrefix: string;
  readonly #nodeChannelPrefix: string;
  readonly #runChannelPrefix: string;

  /** @param database is part of channel names because Redis separates keys, but not channels, by database */
  constructor({ prefix, tag }: Partition, database: number, node: string) {
    this.#keyPrefix = `${prefix}:{${tag}}`;
    const channelPrefix = `${this.#keyPrefix}${database === 0 ? '' : `@${database}`}`;
    this.brokerState = `${this.#keyPrefix}:m`;
    this.multiRoomChannel = `${channelPrefix}:c`;
    this.#roomChannelPrefix = `${this.multiRoomChannel}:`;
    this.#nodeChannelPrefix = `${channelPrefix}:n:`;
    this.#runChannelPrefix = `${channelPrefix}:r:`;
    this.markerChannel = this.nodeChannel(node);
    this.controlChannel = `${channelPrefix}:k`;
    this.checkKey = `${this.#keyPrefix}:x`;
    this.checkChannel = `${channelPrefix}:x`;
    this.subscribedCheckChannel = `${channelPrefix}:y`;
    this.presenceLeases = `${this.#keyPrefix}:pl`;
    this.presenceClaims = `${this.#keyPrefix}:pc`;
    this.userStreamLeases = `${this.#keyPrefix}:ul`;
  }

  stream(room: string): string {
    return `${this.#keyPrefix}:s:${room}`;
  }

  lastPosition(room: string): string {
    return `${this.#keyPrefix}:l:${room}`;
  }

  unstoredPosition(room: string): string {
    return `${this.#keyPrefix}:i:${room}`;
  }

  receipt(idempotencyKey: string): string {
    return `${this.#keyPrefix}:d:${idempotencyKey}`;
  }

  ticket(id: string): string {
    return `${this.#keyPrefix}:t:${id}`;
  }

  presenceNode(node: string): string {
    return `${this.#keyPrefix}:pn:${node}`;
  }

  presenceMembers(room: string): string {
    return `${this.#keyPrefix}:pm:${room}`;
  }

  presenceUsers(room: string): string {
    return `${this.#keyPrefix}:pu:${room}`;
  }

  session(key: string): string {
    return `${this.#keyPrefix}:h:${key}`;
  }

  sessionsOfUser(user: string): string {
    return `${this.#keyPrefix}:hu:${user}`;
  }

  userStreams(user: string): string {
    return `${this.#keyPrefix}:us:${user}`;
  }

  run(run: string): string {
    return `${this.#keyPrefix}:r:${run}`;
  }

  runEntries(run: string): string {
    return `${this.#keyPrefix}:re:${run}`;
  }

  /** Channel of the changes of one run. */
  runChannel(run: string): string {
    return this.#runChannelPrefix + run;
  }

  /** Returns the run of a channel, or `undefined` for another channel. */
  runOf(channel: string): string | undefined {
    return channel.startsWith(this.#runChannelPrefix)
      ? channel.slice(this.#runChannelPrefix.length)
      : undefined;
  }

  /** Channel of the messages for one node. */
  nodeChannel(node: string): string {
    return this.#nodeChannelPrefix + node;
  }

  channel(room: string): string {
    return this.#roomChannelPrefix + room;
  }

  /** Returns the room of a channel, or `undefined` for the channel of several rooms. */
  roomOf(channel: string): string | undefined {
    return channel.length > this.#roomChannelPrefix.length
      ? channel.slice(this.#roomChannelPrefix.length)
      : undefined;
  }
}

/** The key of the hash with the options of all nodes. Its slot is that of the partition with the tag `NODES_TAG`. */
export function nodeRegistryKey(prefix: string): string {
  return `${prefix}:{${NODES_TAG}}:o`;
}

/** The tag of the partition whose connection carries the registry of nodes. There is one with any number of partitions. */
export const NODES_TAG = '0';
