import { brokerClosedError } from '../../broker-closed-error.js';
import { MasterWatch } from '../fencing/master-watch.js';
import { Deferred, withDeadline, withProgressDeadline } from './deferred.js';
import { InFlight } from './in-flight.js';
import { prepareConnection, type PreparationDependencies } from './prepare-connection.js';
import { ReconnectingConnection } from './reconnecting-connection.js';
import type { LuaScript } from '../data/lua-script.js';
import { newEpoch } from '../../new-epoch.js';
import { NoReplyError, unavailable } from './redis-errors.js';
import {
  isErrorReply,
  type RedisConnection,
  type RedisDriver,
  type RedisReply,
} from '../driver/redis-driver.interface.js';
import { ScriptRunner } from './script-runner.js';

/** Estimated bytes of a pending command in addition to its text: promises, timers and the library's objects. */
const COMMAND_OVERHEAD_BYTES = 1_024;

/** Error replies of a server that cannot execute the command: a replica, a loading server or the wrong cluster node. */
const WRONG_SERVER = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED)\b/;

/** Error replies while the slot migrates to another cluster node. The command was not executed. */
const SLOT_MIGRATING = /^(TRYAGAIN|ASK)\b/;
const MIGRATION_RETRY_MS = 25;

export interface CommandLinkDependencies extends PreparationDependencies {
  readonly driver: RedisDriver;
  readonly onUp: () => void;
  readonly onDown: (error: Error) => void;
  /**
   * `true` for a connection that carries large or slow replies: it is opened by the first call, and each reply starts the
   * deadline of the other calls again, since replies arrive one after the other. Default: `false`.
   */
  readonly carriesReads?: boolean;
}

export interface CallOptions {
  /** `true` if the command may be sent again after an unknown outcome. */
  readonly repeatable: boolean;
  /** `true` if the command is refused over `maxBufferedBytes`. Commands that keep the node in sync are not refusable. */
  readonly refusable: boolean;
  /** A command that still waits for a connection when it is aborted is not sent. Default: it is. */
  readonly signal?: AbortSignal | undefined;
}

/** The connection for commands. Each call has a deadline, and the pending bytes are bounded. */
export class CommandLink {
  readonly #dependencies: CommandLinkDependencies;
  readonly #connection: ReconnectingConnection;
  /** Script runner of the current connection. */
  #runner: ScriptRunner | undefined;
  #nextUp: Deferred<RedisConnection> | undefined;
  #runId = '';
  #pendingBytes = 0;
  /** Unanswered commands of the current connection. */
  #inFlight = new InFlight();
  #lastError: Error | undefined;
  readonly #masterWatch: MasterWatch;
  #opened = false;
  #closed = false;

  constructor(dependencies: CommandLinkDependencies) {
    this.#dependencies = dependencies;
    this.#masterWatch = new MasterWatch(dependencies.options, (connection, error) =>
      this.#leave(connection, error),
    );
    this.#connection = new ReconnectingConnection({
      driver: dependencies.driver,
      connectTimeoutMs: dependencies.options.connectTimeoutMs,
      prepare: (connection) =>
        withDeadline(
          this.#prepare(connection),
          dependencies.options.connectTimeoutMs,
          () => new NoReplyError(),
        ),
      onUp: (connection) => {
        this.#nextUp?.resolve(connection);
        this.#nextUp = undefined;
        this.#masterWatch.start(connection);
        dependencies.onUp();
      },
      onDown: (error) => {
        this.#lastError = error;
        this.#masterWatch.stop();
        dependencies.onDown(error);
      },
    });
  }

  get isUp(): boolean {
    return this.#usable !== undefined;
  }

  /** Run id of the server of the last connection; empty without the right to run INFO. */
  get runId(): string {
    return this.#runId;
  }

  get #usable(): RedisConnection | undefined {
    return this.#inFlight.isRetiring ? undefined : this.#connection.current;
  }

  /** Opens the connection. Does nothing if it was opened before. */
  open(): void {
    if (this.#opened || this.#closed) return;
    this.#opened = true;
    this.#connection.open();
  }

  /** Replaces the connection. Does nothing while there is none. */
  reconnect(): void {
    const { current } = this.#connection;
    if (current !== undefined) this.#connection.drop(current, new Error('The connection was replaced.'));
  }

  /** Resolves with the connection as soon as there is one, without a time limit; rejects when the link is closed. */
  async whenUp(): Promise<RedisConnection> {
    if (this.#closed) throw brokerClosedError();
    if (this.#dependencies.carriesReads === true) this.open();
    if (this.#usable !== undefined) return this.#usable;
    this.#nextUp ??= new Deferred();
    return this.#nextUp.promise;
  }

  /**
   * Runs a script with the state hash as first key and the three arguments of `OPEN_STATE` in front of `args`.
   *
   * @throws SseError `broker-unavailable` after `publishTimeoutMs`; at once if too much is pending or Redis refuses
   * the command
   * @param onSend called with the connection that carries the command, for each attempt
   */
  run(
    script: LuaScript,
    keys: readonly string[],
    args: readonly string[],
    callOptions: CallOptions,
    onSend?: (connection: RedisConnection) => void,
  ): Promise<RedisReply> {
    const bytes = args.reduce((sum, text) => sum + text.length, 0);
    return this.#call(bytes, callOptions, (connection) => {
      onSend?.(connection);
      const head = [`${keys.length + 1}`, this.#dependencies.stateKey, ...keys];
      const command = [...head, newEpoch(), this.#runId, `${this.#dependencies.newestPosition()}`, ...args];
      return (this.#runner as ScriptRunner).run(script, command);
    });
  }

  /** Sends one plain command. */
  send(args: readonly string[], callOptions: CallOptions): Promise<RedisReply> {
    const bytes = args.reduce((sum, text) => sum + text.length, 0);
    return this.#call(bytes, callOptions, (connection) => connection.send(args));
  }

  close(): void {
    this.#closed = true;
    this.#masterWatch.stop();
    this.#connection.close();
    this.#nextUp?.reject(brokerClosedError());
  }

  async #prepare(connection: RedisConnection): Promise<void> {
    this.#runner = new ScriptRunner(connection);
    this.#inFlight = new InFlight();
    this.#runId = await prepareConnection(connection, this.#runner, this.#dependencies);
  }

  async #call(
    bytes: number,
    { repeatable, refusable, signal }: CallOptions,
    send: (connection: RedisConnection) => Promise<RedisReply>,
  ): Promise<RedisReply> {
    const { publishTimeoutMs, maxBufferedBytes } = this.#dependencies.options;
    if (refusable && this.#pendingBytes > maxBufferedBytes) {
      throw unavailable(`More than ${maxBufferedBytes} bytes wait for Redis.`, this.#lastError);
    }
    const deadlineMs = performance.now() + publishTimeoutMs;
    const leftMs = (): number => Math.max(1, deadlineMs - performance.now());
    this.#pendingBytes += bytes + COMMAND_OVERHEAD_BYTES;
    try {
      for (;;) {
        const connection = await withDeadline(this.whenUp(), leftMs(), () =>
          unavailable(`Redis was not reachable within ${publishTimeoutMs} ms.`, this.#lastError),
        );
        if (signal?.aborted === true) throw unavailable('The call has ended.', undefined);
        const sentMs = performance.now();
        try {
          return await this.#inFlight.track(() =>
            this.#withReplyDeadline(send(connection), publishTimeoutMs, leftMs()),
          );
        } catch (error) {
          if (isSlotMigrating(error) && leftMs() > MIGRATION_RETRY_MS) {
            await new Promise((resolve) => setTimeout(resolve, MIGRATION_RETRY_MS));
          } else {
            this.#handleFailure(connection, error as Error, performance.now() - sentMs, repeatable);
          }
        }
      }
    } finally {
      this.#pendingBytes -= bytes + COMMAND_OVERHEAD_BYTES;
    }
  }

  #withReplyDeadline(reply: Promise<RedisReply>, timeoutMs: number, leftMs: number): Promise<RedisReply> {
    if (this.#dependencies.carriesReads !== true) return withDeadline(reply, leftMs, noReply);
    const inFlight = this.#inFlight;
    return withProgressDeadline(reply, timeoutMs, () => inFlight.lastReplyMs, noReply);
  }

  /** Replaces a connection to the wrong server, once its commands have settled. */
  #leave(connection: RedisConnection, error: Error): void {
    if (connection !== this.#connection.current) return;
    this.#inFlight.retire(() => this.#connection.drop(connection, error));
  }

  /** Returns normally if the command may be sent again; throws otherwise. */
  #handleFailure(connection: RedisConnection, error: Error, elapsedMs: number, repeatable: boolean): void {
    if (this.#closed) throw brokerClosedError();
    if (isErrorReply(error)) {
      if (!WRONG_SERVER.test(error.message)) throw unavailable('Redis refused the command.', error);
      return this.#leave(connection, error);
    }
    if (error instanceof NoReplyError) {
      // Without a reply for half the timeout the connection counts as dead. A shorter wait proves nothing.
      if (elapsedMs * 2 > this.#dependencies.options.publishTimeoutMs)
        this.#connection.drop(connection, error);
      throw unavailable(
        'Redis did not answer in time; the command may or may not have been executed.',
        error,
      );
    }
    this.#connection.drop(connection, error);
    if (!repeatable) {
      throw unavailable(
        'The connection to Redis was lost before the reply: the event may or may not be published. With an ' +
          '`idempotencyKey` it is sent again and published once.',
        error,
      );
    }
  }
}

function noReply(): Error {
  return new NoReplyError();
}

function isSlotMigrating(error: unknown): boolean {
  return isErrorReply(error) && SLOT_MIGRATING.test((error as Error).message);
}
