import { brokerClosedError } from '../../broker-closed-error.js';
import type { Position } from '../../../protocol/position.js';
import { Deferred, withDeadline } from './deferred.js';
import { InFlight } from './in-flight.js';
import { ReconnectingConnection } from './reconnecting-connection.js';
import type { LuaScript } from '../data/lua-script.js';
import { newEpoch } from '../../new-epoch.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import { NoReply, unavailable } from './redis-errors.js';
import {
  isErrorReply,
  type RedisConnection,
  type RedisDriver,
  type RedisReply,
} from '../driver/redis-driver.interface.js';
import { ScriptRunner } from './script-runner.js';

/** What a command weighs beside its text: promises, timers and the library's own objects, roughly. */
const COMMAND_OVERHEAD_BYTES = 1_024;

/** The server is not the one that is needed: a replica, one that is still loading, or another one of a cluster. Nothing was executed. */
const WRONG_SERVER = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED)\b/;

/** The slot is being moved to another node of the cluster, key by key. Nothing was executed. */
const ON_THE_MOVE = /^(TRYAGAIN|ASK)\b/;
const MOVE_PAUSE_MS = 25;

export interface CommandLinkOptions {
  readonly driver: RedisDriver;
  /** The key of the memory's hash. */
  readonly memory: string;
  readonly options: ResolvedRedisOptions;
  /** The greatest position that this node has seen: the next one is greater, however wrong the server's clock is. */
  readonly newest: () => Position;
  readonly onUp: () => void;
  readonly onDown: (error: Error) => void;
  readonly warn: (message: string) => void;
}

export interface CallOptions {
  /** Whether the command may be sent again where its outcome is not known. */
  readonly repeatable: boolean;
  /** Whether it is refused where too much waits; what keeps the node in order is not. */
  readonly refusable: boolean;
}

/** The connection for commands: each call has a deadline, and what waits is bounded. */
export class CommandLink {
  readonly #link: CommandLinkOptions;
  readonly #connection: ReconnectingConnection;
  /** The scripts of the connection of now. */
  #runner: ScriptRunner | undefined;
  #nextUp: Deferred<RedisConnection> | undefined;
  #runId = '';
  #waitingBytes = 0;
  /** Those of the connection of now. */
  #inFlight = new InFlight();
  #lastError: Error | undefined;
  #closed = false;

  constructor(link: CommandLinkOptions) {
    this.#link = link;
    this.#connection = new ReconnectingConnection({
      driver: link.driver,
      connectTimeoutMs: link.options.connectTimeoutMs,
      prepare: (connection) =>
        withDeadline(this.#prepare(connection), link.options.connectTimeoutMs, () => new NoReply()),
      onUp: (connection) => {
        this.#nextUp?.resolve(connection);
        this.#nextUp = undefined;
        link.onUp();
      },
      onDown: (error) => {
        this.#lastError = error;
        link.onDown(error);
      },
    });
  }

  get isUp(): boolean {
    return this.#usable !== undefined;
  }

  get #usable(): RedisConnection | undefined {
    return this.#inFlight.isRetiring ? undefined : this.#connection.current;
  }

  open(): void {
    this.#connection.open();
  }

  /** Resolves when there is a connection, however long that takes; rejects when the link is closed. */
  async whenUp(): Promise<RedisConnection> {
    if (this.#closed) throw brokerClosedError();
    if (this.#usable !== undefined) return this.#usable;
    this.#nextUp ??= new Deferred();
    return this.#nextUp.promise;
  }

  /**
   * Runs a script that begins with `OPEN_MEMORY`.
   *
   * @throws SseError `broker-unavailable` after `publishTimeoutMs`, or at once where too much waits or Redis refuses
   */
  run(
    script: LuaScript,
    keys: readonly string[],
    args: readonly string[],
    how: CallOptions,
  ): Promise<RedisReply> {
    const bytes = args.reduce((sum, text) => sum + text.length, 0);
    return this.#call(bytes, how, () => {
      const head = [`${keys.length + 1}`, this.#link.memory, ...keys];
      const command = [...head, newEpoch(), this.#runId, `${this.#link.newest()}`, ...args];
      return (this.#runner as ScriptRunner).run(script, command);
    });
  }

  /** Sends one plain command. */
  send(args: readonly string[], how: CallOptions): Promise<RedisReply> {
    const bytes = args.reduce((sum, text) => sum + text.length, 0);
    return this.#call(bytes, how, (connection) => connection.send(args));
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
    this.#nextUp?.reject(brokerClosedError());
  }

  async #prepare(connection: RedisConnection): Promise<void> {
    const { memory, options, warn } = this.#link;
    this.#runner = new ScriptRunner(connection);
    this.#inFlight = new InFlight();
    const fence = await this.#runner.fence(['1', memory, newEpoch(), options.onFailover]);
    const [runId, policy] = fence as [string, string];
    this.#runId = runId;
    if (runId === '' && options.onFailover === 'gap') {
      warn('Redis does not let this user run INFO: a failover that loses events would not be noticed.');
    }
    if (policy !== '' && policy !== 'noeviction') {
      warn(
        `Redis may remove remembered events silently: set its maxmemory-policy to noeviction, not ${policy}.`,
      );
    }
    await this.#runner.load();
  }

  async #call(
    bytes: number,
    { repeatable, refusable }: CallOptions,
    send: (connection: RedisConnection) => Promise<RedisReply>,
  ): Promise<RedisReply> {
    const { publishTimeoutMs, maxBufferedBytes } = this.#link.options;
    if (refusable && this.#waitingBytes > maxBufferedBytes) {
      throw unavailable(`More than ${maxBufferedBytes} bytes wait for Redis already.`, this.#lastError);
    }
    const deadlineMs = performance.now() + publishTimeoutMs;
    const leftMs = (): number => Math.max(1, deadlineMs - performance.now());
    this.#waitingBytes += bytes + COMMAND_OVERHEAD_BYTES;
    try {
      for (;;) {
        const connection = await withDeadline(this.whenUp(), leftMs(), () =>
          unavailable(`Redis could not be reached within ${publishTimeoutMs} ms.`, this.#lastError),
        );
        const sentMs = performance.now();
        try {
          return await this.#inFlight.during(() =>
            withDeadline(send(connection), leftMs(), () => new NoReply()),
          );
        } catch (error) {
          if (isOnTheMove(error) && leftMs() > MOVE_PAUSE_MS) {
            await new Promise((resolve) => setTimeout(resolve, MOVE_PAUSE_MS));
          } else {
            this.#afterFailure(connection, error as Error, performance.now() - sentMs, repeatable);
          }
        }
      }
    } finally {
      this.#waitingBytes -= bytes + COMMAND_OVERHEAD_BYTES;
    }
  }

  /** Returns where the command may be sent again. */
  #afterFailure(connection: RedisConnection, error: Error, afterMs: number, repeatable: boolean): void {
    if (this.#closed) throw brokerClosedError();
    if (isErrorReply(error)) {
      if (!WRONG_SERVER.test(error.message)) throw unavailable('Redis refused the command.', error);
      if (connection !== this.#connection.current) return;
      return this.#inFlight.retire(() => this.#connection.drop(connection, error));
    }
    if (error instanceof NoReply) {
      // A connection on which nothing was heard for so long is dead. One that was given little time may be not.
      if (afterMs * 2 > this.#link.options.publishTimeoutMs) this.#connection.drop(connection, error);
      throw unavailable('Redis did not answer in time. It may have accepted the command or not.', error);
    }
    this.#connection.drop(connection, error);
    if (!repeatable) {
      throw unavailable(
        'The connection to Redis was lost before it answered: the event may be published or not. With an ' +
          '`idempotencyKey` it would have been sent again, and published once.',
        error,
      );
    }
  }
}

function isOnTheMove(error: unknown): boolean {
  return isErrorReply(error) && ON_THE_MOVE.test((error as Error).message);
}
