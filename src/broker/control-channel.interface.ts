/** A node that receives control messages. */
export interface BrokerNode {
  /** Unique among all nodes: 1 to 64 letters, digits, `-` and `_`. */
  readonly id: string;
  /** Host and process, for the messages of errors. */
  readonly name: string;
}

/**
 * Control messages between nodes, beside the events of rooms. Optional as a whole: a broker without one of these members
 * has none, and calls that affect clients of other nodes (`disconnect`, `leave` of a user) are rejected.
 */
export interface ControlChannel {
  /** The id of this node in `nodes()`, from `start` on. */
  readonly nodeId: string;

  /**
   * Sends a control message to every node, this one included. It is not stored; each reachable node receives it once.
   *
   * @param to id of the only node that needs the message. A broker may send it to all nodes nevertheless
   * @param signal a message that still waits for a connection when it is aborted is not sent any more
   * @returns resolves when the broker has accepted the message, with the number of nodes that it was passed to, where the
   * broker knows that number
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  publishControl(text: string, to?: string, signal?: AbortSignal): Promise<number | void>;

  /**
   * Lists the nodes that receive control messages, this one included. From then on this node receives them, even if it has
   * subscribed nothing. A node that ended without notice, or has lost its connection, is listed for some time after.
   *
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  nodes(): Promise<readonly BrokerNode[]>;
}

/** Returns the control channel of a broker that has all of it. */
export function controlChannelOf(broker: Partial<ControlChannel> | undefined): ControlChannel | undefined {
  if (broker?.publishControl === undefined || broker.nodes === undefined) return undefined;
  return broker as ControlChannel;
}
