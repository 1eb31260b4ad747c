import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import { controlChannelOf, type ControlChannel } from '../broker/control-channel.interface.js';
import {
  checkCallOptions,
  checkedElsewhere,
  MAX_ANSWER_TIMEOUT_MS,
  MAX_TIMER_MS,
  wholeNumber,
} from '../protocol/input/option-checks.js';
import { checkRetryTime, type RetryTime } from '../protocol/input/retry-time.js';
import { checkReplay, type Replay } from '../protocol/input/replay-option.js';
import { checkRoom, checkTarget, type RoomName } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseClient } from '../connection/sse-client.js';
import type { ControlArrival } from '../connection/sse-client.interface.js';
import { CommandExecution, endStreams } from './command-execution.js';
import type { CommandHost } from './command-host.interface.js';
import {
  commandTargets,
  type CommandTarget,
  type RemoteTarget,
  type TargetLookups,
} from './command-target.js';
import type { StoredChange, StoredSessionCommands } from './stored-sessions.interface.js';
import { RemoteCall } from './remote-call.js';
import { parseControl, type CommandAction } from './remote-command-codec.js';
import type { ChangeOutcome, RoomChanges } from './room-changes.interface.js';
import { storeChanges } from './stored-changes.js';
import { withinTimeout } from './within-timeout.js';

const ANSWER_TIMEOUT_MS = 5_000;

/** Options of each command to the clients of all nodes. */
export interface RemoteOptions {
  /**
   * Longest wait for the answers of all nodes, in milliseconds, 1 to 60,000. After it the promise rejects with
   * `broker-unavailable`, and names the nodes without an answer. Default: 5,000.
   */
  readonly timeoutMs?: number;
}

/** Options of `disconnect`. */
export interface DisconnectOptions extends RemoteOptions {
  /**
   * Milliseconds after which the clients reconnect; of a range `{ minMs, maxMs }` each is given its own. Default: the
   * reconnection time that they have.
   */
  readonly retryMs?: RetryTime;
}

interface CommandLookups extends TargetLookups {
  /** The stored sessions of all nodes; `undefined` where they are switched off. */
  readonly sessions: () => StoredSessionCommands | undefined;
}

const REMOTE_CHECKS = { timeoutMs: wholeNumber(1, MAX_ANSWER_TIMEOUT_MS) };
const JOIN_CHECKS = { ...REMOTE_CHECKS, replay: checkReplay };
const DISCONNECT_CHECKS = { ...REMOTE_CHECKS, retryMs: checkedElsewhere };

/**
 * Commands to the clients of all nodes. Each settles with the number of streams that it has reached, once every node has
 * executed it. A node without a connection to the broker is named in the rejection, as long as it is listed.
 */
export class RemoteCommands {
  readonly #channel: ControlChannel | undefined;
  readonly #execution: CommandExecution | undefined;
  readonly #lookups: CommandLookups;
  readonly #calls = new Map<string, RemoteCall>();
  /** True once a control message has reached this node: a process without HTTP receives none before it has listed the nodes. */
  #isReceiving = false;

  constructor(broker: PartitionedBroker, lookups: CommandLookups) {
    // A control message of any partition reaches every node. Always the same partition: commands stay in order.
    this.#channel = broker.partitions.map(controlChannelOf).find((channel) => channel !== undefined);
    this.#execution = this.#channel && new CommandExecution(this.#channel);
    this.#lookups = lookups;
  }

  /** @throws SseError `unsupported-by-broker` where the broker cannot reach the clients of other nodes */
  checkSupport(): void {
    if (this.#channel === undefined) throw unsupported();
  }

  /** Returns true where a call may name a user. */
  get hasUsers(): boolean {
    return this.#lookups.hasUsers();
  }

  /** Adds clients to a room. Every event that is published after it has settled reaches them. */
  async join(
    target: RemoteTarget,
    room: RoomName,
    options: RemoteOptions & { readonly replay?: Replay } = {},
  ): Promise<number> {
    checkCallOptions('join', options, JOIN_CHECKS);
    const { replay, timeoutMs = ANSWER_TIMEOUT_MS } = options;
    const name = checkTarget(room, this.#lookups.names);
    return this.#run(target, { do: 'join', room: name, replay }, timeoutMs, (sessions, to) =>
      sessions.join(to, name, timeoutMs),
    );
  }

  /** Takes clients out of a room; with `'*'` out of every room. */
  async leave(target: RemoteTarget, room: RoomName, options: RemoteOptions = {}): Promise<number> {
    checkCallOptions('leave', options, REMOTE_CHECKS);
    const name = checkRoom(room, this.#lookups.names);
    return this.#run(target, { do: 'leave', room: name }, options.timeoutMs, (sessions, to) =>
      sessions.leave(to, name),
    );
  }

  /** Asks again for the rooms of clients, and takes them out of those that are refused. */
  async reauthorize(target: RemoteTarget, options: RemoteOptions = {}): Promise<number> {
    checkCallOptions('reauthorize', options, REMOTE_CHECKS);
    return this.#run(target, { do: 'reauthorize' }, options.timeoutMs);
  }

  /** Returns false where sessions are switched off. */
  get hasSessions(): boolean {
    return this.#lookups.sessions() !== undefined;
  }

  /**
   * Changes the rooms of one stream, by the id of its client or the key of its session, with one command.
   *
   * @returns 0 as `reached` where there is no such stream, and the rooms that it could not join
   */
  async changeRooms(target: CommandTarget, changes: RoomChanges): Promise<Required<ChangeOutcome>> {
    const sessions = this.#lookups.sessions();
    const storing = storeChanges(target, changes, sessions, ANSWER_TIMEOUT_MS);
    const stored = await withinTimeout(storing, ANSWER_TIMEOUT_MS);
    const full = new Set(stored.refused.map(({ room }) => room));
    const join = changes.join.filter((room) => !full.has(room));
    const call = this.#call(target, { ...changes, do: 'change', join }, ANSWER_TIMEOUT_MS);
    const reached = Math.max(await this.#complete([call]), stored.reached);
    return { reached, refused: [...stored.refused, ...call.refused] };
  }

  /** Ends the streams of clients after what is queued. */
  async disconnect(target: RemoteTarget, options: DisconnectOptions = {}): Promise<number> {
    const { retryMs, timeoutMs } = checkDisconnect(options);
    return this.#run(target, { do: 'disconnect', retryMs }, timeoutMs);
  }

  /** Ends the stream of one client of this node. @returns 1, or 0 for a client that is closed */
  async disconnectOwn(client: SseClient, options: DisconnectOptions = {}): Promise<number> {
    const { retryMs } = checkDisconnect(options);
    return client.isClosed ? 0 : endStreams([client], retryMs);
  }

  /** Ends the streams of clients of any node for a newer one of the same user. @param retryMs as in `disconnect` */
  async replace(clients: readonly string[], retryMs: number): Promise<void> {
    const action = { do: 'disconnect', retryMs, replaced: true } as const;
    await this.#complete(clients.map((client) => this.#call({ client }, action, ANSWER_TIMEOUT_MS)));
  }

  /** Sends a validated event to clients. @returns the number of streams that have accepted it */
  async send(
    target: RemoteTarget,
    { timeoutMs, ...event }: RemoteOptions & Omit<Extract<CommandAction, { do: 'send' }>, 'do'>,
  ): Promise<number> {
    return this.#run(target, { do: 'send', ...event }, timeoutMs);
  }

  /**
   * Takes a received control message: a command for the clients of this node, or an answer.
   *
   * @returns `false` for a text that is neither, which is ignored
   */
  receive(text: string, host: CommandHost, arrival: ControlArrival = {}): boolean {
    const message = parseControl(text);
    if (message === undefined) return false;
    this.#isReceiving = true;
    if ('answer' in message) this.#calls.get(message.answer)?.receive(message);
    else this.#execution?.receive(message, host, arrival);
    return true;
  }

  /** @param store changes the stored sessions of a target, before its streams */
  async #run(
    target: unknown,
    action: CommandAction,
    timeoutMs = ANSWER_TIMEOUT_MS,
    store?: (sessions: StoredSessionCommands, to: CommandTarget) => Promise<StoredChange>,
  ): Promise<number> {
    const targets = await commandTargets(action.do, target, this.#lookups);
    const sessions = this.#lookups.sessions();
    const changes =
      sessions && store
        ? await withinTimeout(Promise.all(targets.map(async (each) => store(sessions, each))), timeoutMs)
        : [];
    const reached = await this.#complete(targets.map((each) => this.#call(each, action, timeoutMs)));
    if (changes.some(({ isFull }) => isFull)) throw sessionIsFull(reached);
    // A stream between two connections is reached by its session.
    const isOfSession = targets.some(({ session }) => session !== undefined);
    return isOfSession ? Math.max(reached, sumOf(changes.map(({ stored }) => stored))) : reached;
  }

  /** @throws SseError `unsupported-by-broker` */
  #call(target: CommandTarget, action: CommandAction, timeoutMs: number): RemoteCall {
    if (this.#channel === undefined) throw unsupported();
    return new RemoteCall(this.#channel, target, action, {
      waitMs: timeoutMs,
      listsFirst: !this.#isReceiving,
    });
  }

  async #complete(calls: readonly RemoteCall[]): Promise<number> {
    for (const call of calls) this.#calls.set(call.id, call);
    try {
      return sumOf(await Promise.all(calls.map((call) => call.run())));
    } finally {
      for (const call of calls) this.#calls.delete(call.id);
    }
  }
}

function unsupported(): SseError {
  return new SseError(
    'unsupported-by-broker',
    'The broker cannot reach the clients of other nodes: it lacks `publishControl` or `nodes`.',
  );
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function sessionIsFull(reached: number): SseError {
  return new SseError(
    'too-many-rooms',
    `A session has the most rooms that the option sessions.maxRooms allows, and was left as it is. Leave a room first. ${reached} streams are in the room.`,
  );
}

/** Validates the options of `disconnect`. @throws SseError `invalid-arguments`, `invalid-retry` */
function checkDisconnect(options: DisconnectOptions): DisconnectOptions {
  checkCallOptions('disconnect', options, DISCONNECT_CHECKS);
  if (options.retryMs !== undefined) checkRetryTime(options.retryMs, MAX_TIMER_MS);
  return options;
}
